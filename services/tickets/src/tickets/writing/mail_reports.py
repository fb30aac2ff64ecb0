"""What mail servers report about messages of ours, as the tickets are told it (X7). Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime

from contracts.inbound import InboundMessageReceived
from contracts.tickets import TicketDeliveryUpdated
from tickets.ticket.mail_ids import OwnMail, SignedIds, clean_ids
from tickets.ticket.model import Delivery, Ticket
from tickets.ticket.ticket_events import SYSTEM, say
from tickets.writing.delivery_state import DELAYED

_DELAY = "delivery_delayed"
_NOTICE = "delivery_notice"
"""Rules of ingest-email for reports of nobody's failure."""


def is_mail_report(event: InboundMessageReceived) -> bool:
    """Whether a mail server wrote it: that is never part of a conversation, and what it refers to must be signed."""
    mark = event.automatic
    return mark is not None and (mark.kind == "bounce" or mark.rule in (_DELAY, _NOTICE))


def reported_mails(event: InboundMessageReceived, signed: SignedIds) -> Iterator[tuple[OwnMail, Delivery]]:
    """The mails of ours that a report names, the newest first, and how they stand by it."""
    reported = _reported_delivery(event)
    if event.mail is None or reported is None:
        return
    for mail_id in clean_ids((*event.mail.in_reply_to, *reversed(event.mail.references))):
        if (own := signed.read_message_id(event.account_id, mail_id)) is not None:
            yield own, reported


def _reported_delivery(event: InboundMessageReceived) -> Delivery | None:
    """What a report says; None where that is nothing new. Late is not lost: it stays sent."""
    if event.automatic is None:
        return None
    if event.automatic.kind == "bounce":
        return Delivery(state="failed", reason="bounced")
    return Delivery(state="sent", reason=DELAYED) if event.automatic.rule == _DELAY else None


def with_report(
    ticket: Ticket,
    event: InboundMessageReceived,
    signed: SignedIds,
    current_of: Callable[[str], Ticket | None],
    now: datetime,
) -> Ticket:
    """The ticket saying that a message of ours has failed, or is late, as a mail server reports it (X7)."""
    for own, reported in reported_mails(event, signed):
        if (named := current_of(own.ticket_id)) and named.id == ticket.id:
            cause = "bounce" if reported.state == "failed" else "delay"
            fields = {"message_id": own.message_id, **reported.model_dump()}
            return say(ticket, TicketDeliveryUpdated, actor=SYSTEM, cause=cause, now=now, **fields)
    return ticket
