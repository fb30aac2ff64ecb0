"""Forgetting a contact: raw mail that never became a message (S3)."""

from datetime import UTC, datetime

from contracts.erasure import ErasedIdentities
from contracts.mail import MailAccepted
from ingest_email.erasure import MailErasure
from ingest_email.quarantine import Quarantine
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
