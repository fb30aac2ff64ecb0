"""A mail that could not be understood, read after all: its message is completed where it is (I6). Pure.

There is never a second message: the gateway says which one the bytes became. The message shows its text with the write
that the ticket's event follows; the event, once published, says that it is complete (`publication`). A ticket without
a subject is called as the mail is.
"""

from datetime import datetime

from contracts.inbound import InboundMessageReceived
from contracts.tickets import TicketMessageCompleted, TicketSubjectChanged
from tickets.intake.intake_state import IntakeState
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_events import SYSTEM, changed, say
from tickets.writing.conversation import NO_SUBJECT, searchable, subject_of

_PARTIAL = "partial:"
_COMPLETED = TicketMessageCompleted.model_fields["type"].default


def take_again(state: IntakeState, known: Message, event: InboundMessageReceived, now: datetime) -> tuple[str, ...]:
    """Take in another delivery of a message that is here; the tickets it depends on.

    It changes nothing, unless it says what the first could not.
    """
    if known.ticket_id is None:
        return ()
    ticket = state.tickets.get(known.ticket_id)
    if ticket is None or not is_completed_by(known, event):
        return (known.ticket_id,)
    message = completed(known, event)
    if message != known:
        state.put_message(message)
    current = state.current_of(ticket.id)
    if current is not None and current.id != ticket.id:
        tokens = searchable(current, message.text)
        state.put_ticket(current.model_copy(update={"search_tokens": tokens}))
    state.put_ticket(completing(state.tickets.get(ticket.id) or ticket, message, subject_of(event), now))
    return (ticket.id,) if current is None else tuple({ticket.id: None, current.id: None})


def is_completed_by(known: Message, event: InboundMessageReceived) -> bool:
    """Whether the delivery says more; what was redacted or forgotten stays unsaid."""
    if known.parse_error is None or known.redaction is not None or known.erased_at is not None:
        return False
    was_unread = not known.parse_error.startswith(_PARTIAL)
    return event.parse_error is None or (was_unread and event.parse_error.startswith(_PARTIAL))


def completed(known: Message, event: InboundMessageReceived) -> Message:
    """The message with what the mail says; where it stands and what it is called stay."""
    said = {
        "text": event.text,
        "html": event.html,
        "quoted_text": event.quoted_text,
        "attachments": event.attachments,
    }
    return known.model_copy(update=said)


def completing(ticket: Ticket, message: Message, subject: str, now: datetime) -> Ticket:
    """The ticket telling of it, unread by everybody, and called `subject` if it had none; once, however often decided.

    Raises:
        OutboxFull: it still has too much to tell; the delivery waits.
    """
    if any(entry.type == _COMPLETED and entry.body["message_id"] == message.id for entry in ticket.outbox):
        return ticket
    ticket = changed(ticket, now, read_by=(), search_tokens=searchable(ticket, message.text))
    ticket = say(
        ticket,
        TicketMessageCompleted,
        actor=SYSTEM,
        cause="reparsed",
        now=now,
        message_id=message.id,
        message_ticket_id=ticket.id,
    )
    if ticket.subject != NO_SUBJECT or subject == NO_SUBJECT:
        return ticket
    ticket = changed(ticket, now, subject=subject, search_tokens=searchable(ticket, subject))
    return say(ticket, TicketSubjectChanged, actor=SYSTEM, cause="reparsed", now=now)
