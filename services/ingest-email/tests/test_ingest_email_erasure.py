"""Forgetting a contact: raw mail that never became a message (S3)."""

from datetime import UTC, datetime, timedelta

from contracts.erasure import ErasedIdentities
from contracts.mail import MailAccepted
from ingest_email.erasure import MailErasure
from ingest_email.quarantine.quarantine import Quarantine
from service_kit.blobs import BlobMissing
from service_kit.bus import DeadLetter
from service_kit.erasure import ErasedContact
from service_kit.platform import Platform
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def accepted(name: str) -> MailAccepted:
    """A mail that was taken in."""
    return MailAccepted(
        id=f"dlv_{name}",
        account_id="acc_1",
        time=NOON,
        recipient="support@acme.example",
        envelope_sender="",
        envelope_sender_key="<>",
        via="smtp",
        raw_blob_key=f"acc_1/mail/{name}",
        size=3,
        received_at=NOON,
    )


async def is_stored(platform: Platform, name: str) -> bool:
    """Whether the raw mail is there."""
    try:
        await platform.blobs.get(f"acc_1/mail/{name}")
    except BlobMissing:
        return False
    return True


async def test_quarantined_mail_that_names_them_goes(make_platform: PlatformFactory) -> None:
    """Mail in quarantine that mentions their address goes with its bytes, and so does that of dead letters (S3)."""
    platform = make_platform("ingest-email")
    quarantine = Quarantine(platform.store, per_source_max=10)
    await platform.store.start()
    for name, raw in (("own", b"To: CARL@customer.example"), ("other", b"To: dora@x.example"), ("dead", b"raw")):
        await platform.blobs.put(f"acc_1/mail/{name}", raw)
    for name in ("own", "other"):
        await quarantine.keep(accepted(name), mailbox="support@acme.example", reason="no_sender")
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=1,
        whole=True,
        identities=ErasedIdentities(emails=("Carl@customer.example",)),
        ticket_ids=frozenset(),
        at=NOON,
    )
    erasure = MailErasure(quarantine, platform.blobs)
    removed = [await erasure.forget(order) for _ in range(2)]
    await erasure.buried([DeadLetter("1-0", "key", accepted("dead").payload())])
    left = {name: await is_stored(platform, name) for name in ("own", "other", "dead")}
    kept = [one.id for one in await quarantine.of_account("acc_1")]
    await platform.store.stop()

    assert removed == [1, 0]
    assert left == {"own": False, "other": True, "dead": False}
    assert kept == ["dlv_other"]


async def test_bytes_that_another_mailbox_keeps_stay(make_platform: PlatformFactory) -> None:
    """The same bytes came for another mailbox after the customer was to be forgotten: that delivery keeps them (S3)."""
    platform = make_platform("ingest-email")
    quarantine = Quarantine(platform.store, per_source_max=10)
    await platform.store.start()
    await platform.blobs.put("acc_1/mail/own", b"To: carl@customer.example")
    await quarantine.keep(accepted("own"), mailbox="support@acme.example", reason="no_sender")
    later = accepted("own").model_copy(update={"id": "dlv_later", "received_at": NOON + timedelta(days=1)})
    await quarantine.keep(later, mailbox="sales@acme.example", reason="no_sender")
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=1,
        whole=True,
        identities=ErasedIdentities(emails=("carl@customer.example",)),
        ticket_ids=frozenset(),
        at=NOON,
    )
    removed = await MailErasure(quarantine, platform.blobs).forget(order)
    kept = [one.id for one in await quarantine.of_account("acc_1")]
    left = await is_stored(platform, "own")
    await platform.store.stop()

    assert (removed, kept, left) == (1, ["dlv_later"], True)


async def test_mail_that_became_a_message_goes_with_its_sender_only(make_platform: PlatformFactory) -> None:
    """What waits to be read once more is its sender's, whoever it mentions; its bytes are the message's (S3, I6)."""
    platform = make_platform("ingest-email")
    quarantine = Quarantine(platform.store, per_source_max=10)
    await platform.store.start()
    for name, sender in (("own", "carl@customer.example"), ("other", "dora@x.example")):
        await platform.blobs.put(f"acc_1/mail/{name}", b"Cc: carl@customer.example")
        known = {"mailbox": "support@acme.example", "reason": "timeout", "message_id": f"msg_{name}"}
        await quarantine.keep(accepted(name), **known, sender=sender)
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=1,
        whole=True,
        identities=ErasedIdentities(emails=("carl@customer.example",)),
        ticket_ids=frozenset(),
        at=NOON,
    )
    removed = await MailErasure(quarantine, platform.blobs).forget(order)
    kept = [one.id for one in await quarantine.of_account("acc_1")]
    left = [await is_stored(platform, name) for name in ("own", "other")]
    await platform.store.stop()

    assert (removed, kept, left) == (1, ["dlv_other"], [True, True])
