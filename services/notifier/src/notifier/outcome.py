"""How a delivery stands after an attempt. Pure: the old document and what happened in, the new one out."""

from datetime import datetime

from contracts.deliveries import DeliveryState, DeliveryUpdated
from contracts.ids import derive_id
from notifier import copies
from notifier.model import Copy, Delivery
from notifier.relay_answer import Handed
from notifier.retry import next_attempt_at
from service_kit.outbox import with_events
from service_kit.timers import with_due, without_due

SEND = "send"
_MOST_CHARACTERS = 500
_HANDED_OVER = frozenset({"sent", "delivered", "uncertain"})


def begun(delivery: Delivery, now: datetime) -> Delivery:
    """An attempt is about to be made."""
    return delivery.model_copy(update={"is_sending": True, "attempt": delivery.attempt + 1, "updated_at": now})


def handed_over(delivery: Delivery, handed: Handed, now: datetime, *, may_be_doubled: bool) -> Delivery:
    """The other side answered, for each recipient by itself. Whoever has the message is not sent it again.

    `may_be_doubled`: an earlier attempt ended in a crash, and nobody can tell (I8).
    """
    after = copies.after(delivery, handed, may_be_doubled=may_be_doubled)
    if delivery.is_told:
        return _until_copies_are_told(_rested(delivery, now, after), now)
    delivery = delivery.model_copy(update={"copies": after})
    refusal = handed.refused.get(delivery.request.recipient.email or "")
    if refusal is None:
        taken = accepted(delivery, handed.answer, now, may_be_doubled=may_be_doubled)
        return _until_copies_are_told(taken, now)
    if refusal.is_final:
        return _until_copies_are_told(_settled(delivery, "failed", str(refusal), now, None), now)
    return deferred(delivery, str(refusal), now)


def accepted(delivery: Delivery, provider_id: str, now: datetime, *, may_be_doubled: bool) -> Delivery:
    """The other side took it for the customer."""
    state: DeliveryState = "uncertain" if may_be_doubled else "sent"
    doubt = "sent again after an interruption, under the same identity" if may_be_doubled else None
    reasons = [reason for reason in (doubt, copies.shortfall(delivery.copies)) if reason is not None]
    return _settled(delivery, state, "; ".join(reasons)[:500] or None, now, provider_id)


def refused(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    """The other side will never take it, for anybody who does not have it yet."""
    given_up = copies.given_up(delivery, reason)
    if delivery.is_told:
        return without_due(_rested(delivery, now, given_up), SEND)
    delivery = delivery.model_copy(update={"copies": given_up})
    return _settled(delivery, "failed", reason, now, None)


def bounced(delivery: Delivery, reason: str, now: datetime) -> Delivery | None:
    """The other side took it and gave it back; None where that is nothing new. Who is in copy may still wait."""
    if delivery.state not in _HANDED_OVER:
        return None
    return _changed(delivery, "failed", reason[:500], now, None)


def copy_bounced(delivery: Delivery, address: str, reason: str, now: datetime) -> Delivery | None:
    """The same for somebody in copy: the customer has the mail all the same."""
    after = copies.come_back(delivery, address, reason)
    return None if after is None else _with_copies(delivery, after, now)


def deferred(delivery: Delivery, reason: str, now: datetime, *, in_doubt: bool = False) -> Delivery:
    """It will be tried again, unless that has gone on for too long. `in_doubt`: it may have been accepted already."""
    again_at = next_attempt_at(delivery.attempt, delivery.created_at, now)
    if again_at is None:
        return refused(delivery, f"given up after {delivery.attempt} attempts: {reason}", now)
    waiting = (
        _rested(delivery, now, delivery.copies) if delivery.is_told else _changed(delivery, "queued", reason, now, None)
    )
    return with_due(waiting.model_copy(update={"is_sending": in_doubt}), SEND, again_at)


def _until_copies_are_told(delivery: Delivery, now: datetime) -> Delivery:
    """Due again for those in copy who are to be tried later, if there are any, and if there is time."""
    if not copies.waiting(delivery):
        return without_due(delivery, SEND)
    again_at = next_attempt_at(delivery.attempt, delivery.created_at, now)
    if again_at is not None:
        return with_due(delivery, SEND, again_at)
    given_up = copies.given_up(delivery, f"given up after {delivery.attempt} attempts")
    return without_due(_with_copies(delivery, given_up, now), SEND)


def _rested(delivery: Delivery, now: datetime, after: tuple[Copy, ...]) -> Delivery:
    """After an attempt that was for people in copy only."""
    return _with_copies(delivery, after, now).model_copy(update={"is_sending": False})


def _with_copies(delivery: Delivery, after: tuple[Copy, ...], now: datetime) -> Delivery:
    """The delivery with what became of the copies; who does not get theirs is told where the customer has the mail."""
    news = copies.shortfall(after)
    is_sending, is_news = delivery.is_sending, news not in {None, copies.shortfall(delivery.copies)}
    delivery = delivery.model_copy(update={"copies": after, "updated_at": now})
    if delivery.state != "sent" or not is_news:
        return delivery
    return _changed(delivery, "sent", news, now, None, about=news).model_copy(update={"is_sending": is_sending})


def _settled(
    delivery: Delivery, state: DeliveryState, reason: str | None, now: datetime, provider_id: str | None
) -> Delivery:
    return without_due(_changed(delivery, state, reason, now, provider_id), SEND)


def _changed(
    delivery: Delivery,
    state: DeliveryState,
    reason: str | None,
    now: datetime,
    provider_id: str | None,
    *,
    about: str | None = None,
) -> Delivery:
    """The delivery in a state, and the event that says so; `about` tells events of one attempt and state apart.

    What another side says of it is cut, however much that is: an event too large for the bus would hold all behind it.
    """
    reason, provider_id = (text and text[:_MOST_CHARACTERS] for text in (reason, provider_id))
    parts = [delivery.id, str(delivery.attempt), state, *([about] if about else [])]
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
        id=derive_id("evt", *parts),
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
