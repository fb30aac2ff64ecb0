"""Forgetting a contact: what was sent, links, webhooks and suppressed addresses (S3)."""

from datetime import UTC, datetime, timedelta

from contracts.erasure import ErasedIdentities
from contracts.ids import derive_id
from contracts.outbound import OutboundMessageRequested
from contracts.people import Party
from notifier.erasure import NotifierErasure
from notifier.model import Delivery, ShortLink, Suppression, SuppressionScope
from notifier.short_links import code_of
from notifier.store import DeliveryStore
from notifier.suppression_store import SuppressionStore, suppression_id
from notifier.webhook_model import WebhookDelivery
from notifier.webhook_store import WebhookStore
from service_kit.erasure import ErasedContact
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CARL, PHONE = "carl@customer.example", "+33612345678"


def delivery(name: str, to: str, *, ticket_id: str | None = None, at: datetime = NOON) -> Delivery:
    """Something to send."""
    request = OutboundMessageRequested(
        id=f"evt_{name}",
        account_id="acc_1",
        time=at,
        message_id=name,
        ticket_id=ticket_id,
        channel="sms",
        purpose="reply",
        contact_key=to,
        recipient=Party(phone=to),
        text="secret",
    )
    return Delivery(
        id=derive_id("del", name),
        account_id="acc_1",
        ticket_id=ticket_id,
        message_id=name,
        channel="sms",
        created_at=at,
        updated_at=at,
        request=request,
    )


def suppression(scope: SuppressionScope) -> Suppression:
    """An address that gets no mail."""
    return Suppression(
        id=suppression_id("acc_1", CARL, scope),
        account_id="acc_1",
        address=CARL,
        scope=scope,
        reason="550 carl is no more",
        message_id="m",
        ticket_id=None,
        created_at=NOON,
    )


async def test_what_was_sent_goes_and_a_wish_stays_as_a_hash(make_platform: PlatformFactory) -> None:
    """Deliveries by ticket and by address, their links and webhooks go, not what is newer; an objection holds (S3)."""
    platform = make_platform("notifier")
    deliveries, suppressions = DeliveryStore(platform.store), SuppressionStore(platform.store)
    webhooks = WebhookStore(platform.store)
    await platform.store.start()
    await deliveries.add(
        [
            delivery("by_ticket", "+33600000000", ticket_id="tic_1", at=NOON + timedelta(minutes=1)),
            delivery("by_number", PHONE),
            delivery("newer", PHONE, at=NOON + timedelta(minutes=1)),
            delivery("other", "+33600000000"),
        ]
    )
    link = ShortLink(id=code_of("by_number", 0), account_id="acc_1", url="https://a.example", created_at=NOON)
    await deliveries.add_links([link])
    told = {"account_id": "acc_1", "webhook_id": "whk", "event_id": "e", "event_type": "t", "body": "{}"}
    times = {"created_at": NOON, "updated_at": NOON}
    await webhooks.add_deliveries([WebhookDelivery.model_validate({**told, **times, "id": "w", "ticket_id": "tic_1"})])
    for scope in ("all", "automatic"):
        await suppressions.add(suppression(scope))
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=1,
        whole=True,
        identities=ErasedIdentities(emails=(CARL,), phones=(PHONE,)),
        ticket_ids=frozenset({"tic_1"}),
        at=NOON,
    )
    erasure = NotifierErasure(deliveries, suppressions, webhooks)
    await erasure.forget(order)
    await erasure.forget(order)
    page = await deliveries.list("acc_1", ticket_id=None, state=None, limit=10, cursor=None)
    followed = await deliveries.follow(link.id)
    about = await webhooks.deliveries.get("w")
    kept = (await suppressions.list("acc_1", limit=10, cursor=None)).items
    declined = await suppressions.has_declined("acc_1", CARL)
    await platform.store.stop()
    gone = [one for one in page.items if one.message_id in {"by_ticket", "by_number"}]

    assert [one.request.text for one in page.items if one not in gone] == ["secret", "secret"]
    assert {(one.state, one.reason, one.request.text, one.request.contact_key) for one in gone} == {
        ("failed", "erased", "", "")
    }
    assert (followed, about, declined) == (None, None, True)
    assert [(one.scope, one.address, one.reason) for one in kept] == [("automatic", "", "erased")]
