"""Forgetting a contact: senders, consents and what was set aside (S3, M5)."""

from datetime import UTC, datetime, timedelta

from contracts.erasure import ErasedIdentities
from ingest_sms.erasure import SmsErasure
from ingest_sms.model import Correspondent, NumberConsentCopy, QuarantinedWebhook
from ingest_sms.store import SmsStore, phone_id
from service_kit.erasure import ErasedContact
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STOPPED, WILLING = "+33612345678", "+33687654321"


def consent(phone: str, *, stopped: bool) -> NumberConsentCopy:
    """What tickets said of a number."""
    return NumberConsentCopy(
        id=phone_id("acc_1", phone),
        account_id="acc_1",
        phone=phone,
        contact_id="con_1",
        contact_version=2,
        stopped=stopped,
    )


def webhook(name: str, sender: str, received_at: datetime = NOON) -> QuarantinedWebhook:
    """A payload that was set aside."""
    return QuarantinedWebhook(
        id=name,
        account_id="acc_1",
        source="192.0.2.1",
        provider_message_id=name,
        url="http://desk.example",
        signature="",
        parameters={"From": sender, "Body": "secret"},
        received_at=received_at,
    )


async def test_a_stop_stays_as_a_hash_and_the_rest_goes(make_platform: PlatformFactory) -> None:
    """Consents, senders and quarantine go; a stop holds on without its number; what came later stays (S3, M5)."""
    platform = make_platform("ingest-sms")
    store = SmsStore(platform.store)
    await platform.store.start()
    await store.save_consents([consent(STOPPED, stopped=True), consent(WILLING, stopped=False)])
    await store.save_correspondents([Correspondent(id=phone_id("acc_1", WILLING), account_id="acc_1", phone=WILLING)])
    later = webhook("later", STOPPED, NOON + timedelta(seconds=1))
    for one in (webhook("own", STOPPED), webhook("other", "+33600000000"), later):
        await store.quarantine(one, at_most=10)
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=3,
        whole=True,
        identities=ErasedIdentities(phones=(STOPPED, WILLING)),
        ticket_ids=frozenset(),
        at=NOON,
    )
    removed = [await SmsErasure(store).forget(order) for _ in range(2)]
    consents = await store.consents([phone_id("acc_1", STOPPED), phone_id("acc_1", WILLING)])
    senders = await store.correspondents([phone_id("acc_1", WILLING)])
    left = sorted(one.id for one in await store.quarantined("acc_1"))
    await platform.store.stop()
    (stop,) = consents.values()

    assert removed == [4, 0]
    assert (stop.is_stopped, stop.phone) == (True, "")
    assert (dict(senders), left) == ({}, ["later", "other"])
