"""Taking back what a message says (N1): what stays of it, and what its tickets are no longer found by. Pure.

For law and leaks: author, time and place stay, with the hash of what was said and why it went.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from contracts.people import Actor
from contracts.tickets import TicketMessageRedacted
from service_kit.docstore.tokens import document_tokens
from tickets.contacts.contact_model import Contact
from tickets.ticket.model import Message, Redaction, Ticket
from tickets.ticket.ticket_events import changed, say
from tickets.writing.conversation import subject_from

REDACTED_SUBJECT = "(redacted)"


def text_hash(text: str) -> str:
    """What proves later what the text was, to whoever has it."""
    return hashlib.sha256(text.encode()).hexdigest()


def redacted(message: Message, event: TicketMessageRedacted) -> Message:
    """The message without what it said; one that was redacted before stays as it is."""
    if message.redaction is not None:
        return message
    redaction = Redaction(text_sha256=event.text_sha256, reason=event.reason, actor=event.actor, at=event.time)
    said = {"text": "", "html": None, "quoted_text": None, "attachments": ()}
    return message.model_copy(update={**said, "redaction": redaction})


def unsaid(ticket: Ticket, gone: Message, said: Iterable[Message], contact: Contact | None) -> Ticket:
    """A ticket that is no longer found by what only the `gone` message said; the same where nothing is lost.

    `said` are the messages of its thread. A subject made of the message goes with it.
    """
    subject = REDACTED_SUBJECT if _is_subject_of(ticket, gone) else ticket.subject
    words = set(document_tokens(gone.text, None if subject == ticket.subject else ticket.subject))
    for message in said:
        if message.id != gone.id:
            words.difference_update(document_tokens(message.text))
    words.difference_update(document_tokens(str(ticket.number), subject))
    if contact is not None:
        words.difference_update(document_tokens(contact.name, contact.email, contact.phone))
    tokens = tuple(token for token in ticket.search_tokens if token not in words)
    if subject == ticket.subject and tokens == ticket.search_tokens:
        return ticket
    return ticket.model_copy(update={"subject": subject, "search_tokens": tokens})


def announced(ticket: Ticket, message: Message, reason: str, *, actor: Actor, now: datetime) -> Ticket:
    """The ticket saying so: whoever publishes that makes the message forget."""
    return say(
        changed(ticket, now),
        TicketMessageRedacted,
        actor=actor,
        cause=actor.kind,
        now=now,
        message_id=message.id,
        message_ticket_id=message.ticket_id,
        text_sha256=text_hash(message.text),
        reason=reason,
    )


def is_leaving(ticket: Ticket, message_id: str) -> bool:
    """Whether the ticket still has to publish something of the message: its place, or its text to be sent."""
    return any(entry.body.get("message_id") == message_id for entry in ticket.outbox)


def _is_subject_of(ticket: Ticket, message: Message) -> bool:
    """Whether the subject was taken from the message, as it is where the customer gave none."""
    return subject_from(message.text) == ticket.subject
