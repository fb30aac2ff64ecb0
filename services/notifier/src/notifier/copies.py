"""People in copy of a mail: each gets it once, whatever becomes of the customer and of the others. Pure."""

from contracts.outbound import OutboundMessageRequested
from notifier.model import Copy, Delivery
from notifier.relay_answer import Handed

_DOUBLED = "sent again after an interruption, under the same identity"
_MOST_CHARACTERS = 500


def in_copy(request: OutboundMessageRequested) -> tuple[str, ...]:
    """Who is in copy, each once, and never the customer again."""
    customer = (request.recipient.email or "").lower()
    named = request.mail.cc if request.mail else ()
    return tuple({one.lower(): one for one in named if one.lower() != customer}.values())


def waiting(delivery: Delivery) -> tuple[str, ...]:
    """Who is in copy and neither has the mail nor will never get it."""
    settled = {copy.address for copy in delivery.copies if copy.state != "queued"}
    return tuple(address for address in in_copy(delivery.request) if address not in settled)


def after(delivery: Delivery, handed: Handed, *, may_be_doubled: bool) -> tuple[Copy, ...]:
    """How everybody in copy stands after an attempt for those who waited."""
    answered = [_answered(address, handed, may_be_doubled=may_be_doubled) for address in waiting(delivery)]
    return _with(delivery, answered)


def given_up(delivery: Delivery, reason: str) -> tuple[Copy, ...]:
    """How everybody in copy stands when there is no other attempt."""
    waited = waiting(delivery)
    return _with(delivery, [Copy(address=address, state="failed", reason=reason) for address in waited])


def come_back(delivery: Delivery, address: str, reason: str) -> tuple[Copy, ...] | None:
    """How they stand after a bounce of the mail to one of them; None where that is nothing new."""
    known = next((one for one in delivery.copies if one.address.lower() == address.lower()), None)
    if known is None or known.state != "sent":
        return None
    return _with(delivery, [known.model_copy(update={"state": "failed", "reason": reason[:_MOST_CHARACTERS]})])


def shortfall(copies: tuple[Copy, ...]) -> str | None:
    """Who in copy does not get the mail, and why, in one line."""
    missed = [f"{copy.address}: {copy.reason}" for copy in copies if copy.state == "failed"]
    return f"not in copy: {'; '.join(missed)}"[:_MOST_CHARACTERS] if missed else None


def _with(delivery: Delivery, changed: list[Copy]) -> tuple[Copy, ...]:
    return tuple(({copy.address: copy for copy in delivery.copies} | {copy.address: copy for copy in changed}).values())


def _answered(address: str, handed: Handed, *, may_be_doubled: bool) -> Copy:
    if address in handed.left_out:
        return Copy(address=address, state="failed", reason=handed.left_out[address][:_MOST_CHARACTERS])
    refusal = handed.refused.get(address)
    if refusal is None:
        return Copy(address=address, state="sent", reason=_DOUBLED if may_be_doubled else None)
    return Copy(address=address, state="failed" if refusal.is_final else "queued", reason=str(refusal))
