"""Following a redaction (N1): deliveries keep nothing of what was taken back."""

from datetime import UTC, datetime

import pytest

from contracts.deliveries import DeliveryState
from contracts.ids import derive_id
from contracts.outbound import OutboundMessageRequested
from contracts.people import Actor, Party
from contracts.tickets import TicketFacts, TicketMessageRedacted
from notifier.model import Delivery
from notifier.outcome import SEND
from notifier.redaction import Redaction, emptied, is_empty
from notifier.store import DeliveryStore
from service_kit.outbox import Outbox
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory
from service_kit.timers import with_due

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _delivery(state: DeliveryState) -> Delivery:
    request = OutboundMessageRequested(
        id="evt_1",
        account_id="acc_1",
        time=NOON,
        message_id="msg_1",
        ticket_id="tic_1",
        channel="email",
        purpose="reply",
        contact_key="zoe@customer.example",
        recipient=Party(email="zoe@customer.example"),
        text="The PIN is 4711",
        html="<p>The PIN is 4711</p>",
    )
    delivery = Delivery(
        id="del_1",
        account_id="acc_1",
        ticket_id="tic_1",
        message_id="msg_1",
        channel="email",
        state=state,
        created_at=NOON,
        updated_at=NOON,
        request=request,
    )
    return with_due(delivery, SEND, NOON) if state == "queued" else delivery


@pytest.mark.parametrize(
    ("state", "after"),
    [("queued", "failed"), *((state, state) for state in ("sent", "delivered", "failed", "uncertain"))],
)
def test_what_waits_never_leaves(state: DeliveryState, after: DeliveryState) -> None:
    """What has left stays as it stands; what has not is tried no more, and says why."""
    emptied_one = emptied(_delivery(state), NOON)

    assert is_empty(emptied_one)
    assert "4711" not in emptied_one.model_dump_json()
    assert (emptied_one.state, emptied_one.due) == (after, ())
    assert (emptied_one.reason == "redacted") is (state == "queued")


async def test_the_stored_delivery_is_emptied(make_platform: PlatformFactory) -> None:
    """The event empties the message's delivery, and of one account only; again changes nothing."""
    platform = make_platform("notifier", clock=ManualClock(NOON))
    store = DeliveryStore(platform.store)
    await platform.store.start()
    delivery = _delivery("sent").model_copy(update={"id": derive_id("del", "msg_1")})
    await store.add([delivery])
    redaction = Redaction(store, Outbox(store.deliveries, platform.bus, platform.clock), platform.clock)
    await redaction.follow([_redacted("acc_2"), _redacted("acc_1", message_id="msg_9")])
    untouched = await store.get(delivery.id)
    await redaction.follow([_redacted("acc_1")])
    await redaction.follow([_redacted("acc_1")])
    after = await store.get(delivery.id)
    await platform.store.stop()

    assert untouched is not None
    assert not is_empty(untouched)
    assert after is not None
    assert (is_empty(after), after.rev) == (True, 2)


def _redacted(account_id: str, message_id: str = "msg_1") -> TicketMessageRedacted:
    facts = TicketFacts(
        id="tic_1",
        number=1,
        channel="email",
        status="open",
        contact_id="con_1",
        assignment_epoch=1,
        version=2,
        created_at=NOON,
        cycle_opened_at=NOON,
    )
    return TicketMessageRedacted(
        id="evt_2",
        account_id=account_id,
        time=NOON,
        ticket_id="tic_1",
        seq=3,
        actor=Actor(kind="agent", id="agt_1"),
        cause="agent",
        ticket=facts,
        message_id=message_id,
        message_ticket_id="tic_1",
        text_sha256="0" * 64,
        reason="A PIN.",
    )
