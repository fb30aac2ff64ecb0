"""How a delivery stands after an attempt. Pure: the old document and what happened in, the new one out."""

from datetime import datetime

from contracts.deliveries import DeliveryState, DeliveryUpdated
from contracts.ids import derive_id
from notifier.model import Delivery
from notifier.retry import next_attempt_at
from service_kit.outbox import with_events
from service_kit.timers import with_due, without_due

SEND = "send"
_HANDED_OVER = frozenset({"sent", "delivered", "uncertain"})


def begun(delivery: Delivery, now: datetime) -> Delivery:
    """An attempt is about to be made."""
    return delivery.model_copy(update={"is_sending": True, "attempt": delivery.attempt + 1, "updated_at": now})


def accepted(delivery: Delivery, provider_id: str, now: datetime, *, may_be_doubled: bool) -> Delivery:
    """The other side took it. `may_be_doubled`: an earlier attempt ended in a crash, and nobody can tell (I8)."""
    state: DeliveryState = "uncertain" if may_be_doubled else "sent"
    reason = "sent again after an interruption, under the same identity" if may_be_doubled else None
    return _settled(delivery, state, reason, now, provider_id)


def refused(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    """The other side will never take it."""
    return _settled(delivery, "failed", reason, now, None)


def bounced(delivery: Delivery, reason: str, now: datetime) -> Delivery | None:
    """The other side took it and gave it back; None where that is nothing new."""
    if delivery.state not in _HANDED_OVER:
        return None
    return _settled(delivery, "failed", reason[:500], now, None)


def deferred(delivery: Delivery, reason: str, now: datetime, *, in_doubt: bool = False) -> Delivery:
    """It will be tried again, unless that has gone on for too long. `in_doubt`: it may have been accepted already."""
    again_at = next_attempt_at(delivery.attempt, delivery.created_at, now)
    if again_at is None:
        return refused(delivery, f"given up after {delivery.attempt} attempts: {reason}", now)
    waiting = _changed(delivery, "queued", reason, now, None).model_copy(update={"is_sending": in_doubt})
    return with_due(waiting, SEND, again_at)


def _settled(
    delivery: Delivery, state: DeliveryState, reason: str | None, now: datetime, provider_id: str | None
) -> Delivery:
    return without_due(_changed(delivery, state, reason, now, provider_id), SEND)


def _changed(
    delivery: Delivery, state: DeliveryState, reason: str | None, now: datetime, provider_id: str | None
) -> Delivery:
    changed = delivery.model_copy(
        update={
            "state": state,
            "reason": reason,
            "provider_id": provider_id or delivery.provider_id,
            "is_sending": False,
            "updated_at": now,
        }
    )
    event = DeliveryUpdated(
        id=derive_id("evt", delivery.id, str(delivery.attempt), state),
        account_id=delivery.account_id,
        time=now,
        subject_id=delivery.ticket_id or delivery.message_id,
        delivery_id=delivery.id,
        message_id=delivery.message_id,
        ticket_id=delivery.ticket_id,
        channel=delivery.channel,
        state=state,
        reason=reason,
        provider_id=changed.provider_id,
        attempt=delivery.attempt,
    )
    return with_events(changed, [event], now)
