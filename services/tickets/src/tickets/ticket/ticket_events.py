"""How a ticket says what happened to it: numbered events stored with the change they tell of. Pure."""

from datetime import datetime
from typing import Any, TypeVar

from contracts.ids import derive_id
from contracts.people import Actor
from contracts.tickets import TicketEvent, TicketFacts, TicketMessageAdded
from service_kit.outbox import with_events
from tickets.ticket.model import Ticket

SYSTEM = Actor(kind="system")

_MESSAGE_ADDED = TicketMessageAdded.model_fields["type"].default

E = TypeVar("E", bound=TicketEvent)


def facts(ticket: Ticket) -> TicketFacts:
    """The ticket as events show it."""
    return TicketFacts(
        id=ticket.id,
        number=ticket.number,
        channel=ticket.channel,
        status=ticket.status,
        assignee_id=ticket.assignee_id,
        team_id=ticket.team_id,
        tags=ticket.tags,
        priority=ticket.priority,
        contact_id=ticket.contact_id,
        assignment_epoch=ticket.assignment_epoch,
        held=ticket.held,
        cycle=ticket.cycle,
        version=ticket.version,
        created_at=ticket.created_at,
        cycle_opened_at=ticket.cycle_opened_at,
        snoozed_until=ticket.snoozed_until,
        merged_into=ticket.merged_into,
        hidden=ticket.hidden,
    )


def changed(ticket: Ticket, now: datetime, **update: Any) -> Ticket:
    """The ticket with another meaning: its version rises."""
    return ticket.model_copy(update={"version": ticket.version + 1, "updated_at": now, **update})


def say(ticket: Ticket, event: type[E], *, actor: Actor, cause: str, now: datetime, **fields: Any) -> Ticket:
    """The ticket with the next numbered event in its outbox, telling of the ticket as it is given."""
    seq = ticket.event_seq + 1
    counted = ticket.model_copy(update={"event_seq": seq})
    said = event(
        id=derive_id("evt", ticket.id, str(seq)),
        account_id=ticket.account_id,
        time=now,
        ticket_id=ticket.id,
        seq=seq,
        actor=actor,
        cause=cause,
        ticket=facts(counted),
        **fields,
    )
    return with_events(counted, [said], now)


def counts(ticket: Ticket, message_id: str) -> bool:
    """Whether a ticket counts a message that has no place yet.

    Then the event that gives it one is still in the ticket's outbox.
    """
    said = (entry.body for entry in ticket.outbox if entry.type == _MESSAGE_ADDED)
    return any(body["message_id"] == message_id for body in said)
