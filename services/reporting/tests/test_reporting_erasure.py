"""Forgetting a contact: numbers stay without the person (S3)."""

from datetime import UTC, datetime

from contracts.contacts import ContactChanged
from contracts.deliveries import DeliveryUpdated
from contracts.erasure import ErasedIdentities
from contracts.ids import derive_id
from reporting.archive import ARCHIVE, ArchivedEvent, archived
from reporting.erasure import ReportingErasure
from service_kit.erasure import ErasedContact
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def changed(contact_id: str, version: int) -> ContactChanged:
    """What tickets said of a contact."""
    return ContactChanged(
        id=derive_id("evt", contact_id, str(version)),
        account_id="acc_1",
        time=NOON,
        contact_id=contact_id,
        version=version,
        segments=("vip",),
    )


async def test_the_contact_goes_and_its_tickets_are_counted_still(make_platform: PlatformFactory) -> None:
    """What was archived of the contact goes, what others said of deliveries too; every other event stays (S3, R3)."""
    platform = make_platform("reporting")
    archive = platform.store.collection(ARCHIVE)
    await platform.store.start()
    told = {"type": "support.ticket.delivery_updated.v1", "key": "k", "time": NOON, "account_id": "acc_1"}
    body = {"state": "failed", "reason": "550 carl@customer.example unknown"}
    about = ArchivedEvent.model_validate({**told, "id": "acc_1/e1", "ticket_id": "tic_1", "seq": 1, "body": body})
    events = [archived(changed("con_1", 1)), archived(changed("con_1", 2)), archived(changed("con_2", 1)), about]
    await archive.insert_many(events)
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=2,
        whole=True,
        identities=ErasedIdentities(),
        ticket_ids=frozenset({"tic_1"}),
        at=NOON,
    )
    erasure = ReportingErasure(platform.store)
    removed = [await erasure.forget(order) for _ in range(2)]
    left = await archive.get_many(event.id for event in events)
    await platform.store.stop()

    assert removed == [3, 0]
    assert sorted(left) == sorted([events[2].id, "acc_1/e1"])
    assert left["acc_1/e1"].body == {"state": "failed", "reason": None}


def test_what_mail_servers_say_is_not_archived() -> None:
    """A delivery's reason may repeat an address: the archive, which is kept for ever, goes without (S3)."""
    event = DeliveryUpdated(
        id="evt_1",
        account_id="acc_1",
        time=NOON,
        subject_id="tic_1",
        delivery_id="del_1",
        message_id="msg_1",
        channel="email",
        state="failed",
        reason="550 carl@customer.example unknown",
    )

    assert "carl" not in archived(event).model_dump_json()
