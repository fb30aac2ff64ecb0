"""Forgetting a contact: the router's copy (S3)."""

from datetime import UTC, datetime

from contracts.erasure import ErasedIdentities
from router.contact_copies import CONTACT_COPIES, ContactCopy
from router.erasure import RouterErasure
from service_kit.erasure import ErasedContact
from service_kit.testing.platforms import PlatformFactory


def forgotten(version: int) -> ErasedContact:
    """The order to forget a contact at this version."""
    return ErasedContact("acc_1", "con_1", version, True, ErasedIdentities(), frozenset(), datetime.now(UTC))


async def test_segments_go_and_the_version_stays(make_platform: PlatformFactory) -> None:
    """Nothing is known of a forgotten contact, and an older event of it stays old; a newer one is kept (S3)."""
    platform = make_platform("router")
    copies = platform.store.collection(CONTACT_COPIES)
    erasure = RouterErasure(platform.store)
    await platform.store.start()
    await copies.insert_many([ContactCopy(id="acc_1/con_1", contact_id="con_1", version=4, segments=("vip",))])
    too_early, first, again = [await erasure.forget(forgotten(version)) for version in (3, 4, 4)]
    left = await copies.get("acc_1/con_1")
    await platform.store.stop()

    assert (too_early, first, again) == (0, 1, 0)
    assert left is not None
    assert (left.segments, left.version) == ((), 4)
