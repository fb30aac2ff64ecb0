"""A ticket's life: closing, reopening, snoozing, waking, tagging, ranking (L1 to L3, L8). Pure.

Each function gives the ticket after the change, or the same ticket where nothing changes: doing it twice is harmless.
"""

from collections.abc import Iterable
from datetime import datetime

from contracts.people import Actor
from contracts.tickets import (
    Priority,
    TicketClosed,
    TicketPriorityChanged,
    TicketReopened,
    TicketSnoozed,
    TicketTagsChanged,
    TicketUnsnoozed,
)
from service_kit.timers import with_due, without_due
from tickets.life.assignment import released
from tickets.life.reopen import recent_reopens
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_events import SYSTEM, changed, say

UNSNOOZE = "unsnooze"
"""The kind of the timer that ends a snooze."""


def closed(ticket: Ticket, *, actor: Actor, now: datetime, cause: str | None = None) -> Ticket:
    """The ticket out of the inbox; nothing wakes it but what reopens it. By default the actor is the cause."""
    if ticket.status == "closed":
        return ticket
    ticket = changed(
        without_due(ticket, UNSNOOZE),
        now,
        status="closed",
        closed_at=now,
        snoozed_until=None,
        assignment_epoch=ticket.assignment_epoch + 1,
    )
    return say(ticket, TicketClosed, actor=actor, cause=cause or actor.kind, now=now)


def reopened(ticket: Ticket, *, owner_stays: bool, actor: Actor, cause: str, now: datetime) -> Ticket:
    """The ticket open again, in a new cycle; without its assignee if that one cannot answer (L3)."""
    if ticket.status != "closed":
        return ticket
    ticket = changed(
        ticket,
        now,
        status="open",
        closed_at=None,
        cycle=ticket.cycle + 1,
        cycle_opened_at=now,
        reopened_at=(*recent_reopens(ticket, now), now),
        held=False,
        quiet_since=_quiet_anew(ticket, now),
        assignment_epoch=ticket.assignment_epoch + 1,
    )
    ticket = say(ticket, TicketReopened, actor=actor, cause=cause, now=now)
    if ticket.assignee_id is None or owner_stays:
        return ticket
    return released(ticket, cause="owner_unavailable", now=now)


def snoozed(ticket: Ticket, *, until: datetime, actor: Actor, now: datetime) -> Ticket:
    """The ticket out of sight until a moment; its timer lives in it."""
    if ticket.status == "snoozed" and ticket.snoozed_until == until:
        return ticket
    ticket = changed(
        with_due(ticket, UNSNOOZE, until),
        now,
        status="snoozed",
        snoozed_until=until,
        assignment_epoch=ticket.assignment_epoch + 1,
    )
    return say(ticket, TicketSnoozed, actor=actor, cause=actor.kind, now=now)


def awake(ticket: Ticket, *, actor: Actor, cause: str, now: datetime) -> Ticket:
    """The ticket back in sight, in the inbox it was in before."""
    if ticket.status != "snoozed":
        return ticket
    ticket = changed(
        without_due(ticket, UNSNOOZE),
        now,
        status="open",
        snoozed_until=None,
        quiet_since=_quiet_anew(ticket, now),
        assignment_epoch=ticket.assignment_epoch + 1,
    )
    return say(ticket, TicketUnsnoozed, actor=actor, cause=cause, now=now)


def timer_rang(ticket: Ticket, *, now: datetime) -> Ticket:
    """The ticket after its snooze timer; one that was snoozed again for longer stays asleep."""
    if ticket.status != "snoozed":
        return without_due(ticket, UNSNOOZE)
    if ticket.snoozed_until is not None and ticket.snoozed_until > now:
        return with_due(ticket, UNSNOOZE, ticket.snoozed_until)
    return awake(ticket, actor=SYSTEM, cause="timer", now=now)


def tagged(ticket: Ticket, tags: Iterable[str], *, actor: Actor, now: datetime) -> Ticket:
    """The ticket with exactly these tags."""
    wanted = tuple(dict.fromkeys(tags))
    added = tuple(tag for tag in wanted if tag not in ticket.tags)
    removed = tuple(tag for tag in ticket.tags if tag not in wanted)
    if not added and not removed:
        return ticket
    ticket = changed(ticket, now, tags=wanted)
    return say(ticket, TicketTagsChanged, actor=actor, cause=actor.kind, now=now, added=added, removed=removed)


def prioritised(ticket: Ticket, priority: Priority, *, actor: Actor, now: datetime) -> Ticket:
    """The ticket as pressing as that."""
    if ticket.priority == priority:
        return ticket
    previous = ticket.priority
    ticket = changed(ticket, now, priority=priority)
    return say(ticket, TicketPriorityChanged, actor=actor, cause=actor.kind, now=now, previous=previous)


def seen_by(ticket: Ticket, agent_id: str) -> Ticket:
    """The ticket as read by one agent; no change of meaning (V2)."""
    return ticket if agent_id in ticket.read_by else ticket.model_copy(update={"read_by": (*ticket.read_by, agent_id)})


def unseen_by(ticket: Ticket, agent_id: str) -> Ticket:
    """The ticket as unread by one agent."""
    remaining = tuple(reader for reader in ticket.read_by if reader != agent_id)
    return ticket if remaining == ticket.read_by else ticket.model_copy(update={"read_by": remaining})


def _quiet_anew(ticket: Ticket, now: datetime) -> datetime | None:
    """Whoever brought the ticket back wants to see it: the customer's silence counts from here (L4)."""
    return None if ticket.quiet_since is None else now
