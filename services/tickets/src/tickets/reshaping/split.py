"""One ticket becoming two (L7): the ticket that chosen messages go to, and each side's part in it. Pure.

The source holds the intent until the messages have moved; every step changes nothing when it is done again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.tickets import TicketCreated, TicketSplit
from service_kit.docstore.tokens import document_tokens
from service_kit.timers import with_due, without_due
from tickets.ticket.model import Message, SplitIntent, Ticket
from tickets.ticket.ticket_events import changed, say
from tickets.writing.conversation import MAX_SEARCH_TOKENS, followed

SPLIT = "split"
"""The kind of the timer that finishes what a crash interrupted."""

MAX_SPLIT_MESSAGES = 200

_RESUMED_AFTER = timedelta(seconds=5)


def in_thread(ticket: Ticket, message: Message) -> bool:
    """Whether a message has its place in the thread that a ticket shows."""
    return message.seq is not None and message.ticket_id in {ticket.id, *ticket.merged}


def intended(source: Ticket, intent: SplitIntent, now: datetime) -> Ticket:
    """The source about to give messages away: it counts them no more."""
    moved = source.moved_messages + len(intent.message_ids)
    source = source.model_copy(update={"split_intent": intent, "moved_messages": moved})
    return with_due(source, SPLIT, now + _RESUMED_AFTER)


def split_off(source: Ticket, intent: SplitIntent, messages: Sequence[Message]) -> Ticket:
    """The new ticket with the chosen messages, in their order: open, nobody's, of the same customer."""
    texts = (message.text for message in messages)
    inbound = [message.created_at for message in messages if message.kind == "inbound"]
    ticket = Ticket(
        id=intent.ticket_id,
        account_id=source.account_id,
        number=intent.number,
        thread_key=f"split/{intent.ticket_id}",
        channel=source.channel,
        subject=intent.subject,
        contact_id=source.contact_id,
        correspondence=source.correspondence,
        next_seq=len(messages) + 1,
        cycle_opened_at=intent.at,
        follow_up_of=source.id,
        last_inbound_at=max(inbound, default=None),
        last_public_by="customer" if inbound else None,
        read_by=(intent.actor.id,) if intent.actor.kind == "agent" and intent.actor.id else (),
        search_tokens=tuple(document_tokens(str(intent.number), intent.subject, *texts))[:MAX_SEARCH_TOKENS],
        created_at=intent.at,
        updated_at=intent.at,
    )
    ticket = say(ticket, TicketCreated, actor=intent.actor, cause="split", now=intent.at, follow_up_of=source.id)
    return _said(ticket, source.id, intent, intent.at)


def moved(message: Message, ticket_id: str, place: int) -> Message:
    """A message at its place in the new ticket."""
    return message.model_copy(update={"ticket_id": ticket_id, "seq": place})


def finished(source: Ticket, intent: SplitIntent, now: datetime) -> Ticket:
    """The source after its messages have moved, linked to where they are."""
    if source.split_intent != intent:
        return source
    source = without_due(source.model_copy(update={"split_intent": None}), SPLIT)
    return _said(changed(followed(source, intent.ticket_id), now), source.id, intent, now)


def _said(ticket: Ticket, source_id: str, intent: SplitIntent, now: datetime) -> Ticket:
    return say(
        ticket,
        TicketSplit,
        actor=intent.actor,
        cause=intent.actor.kind,
        now=now,
        source_id=source_id,
        target_id=intent.ticket_id,
        message_ids=intent.message_ids,
    )
