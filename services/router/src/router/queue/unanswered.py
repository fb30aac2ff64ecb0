"""Automatically assigned tickets that their assignee does not answer in time go back to the queue (A7). Pure.

Office time counts, so nobody loses a ticket overnight. What a person assigned stays with whom they gave it to: manual
always wins. Any agent's reply is an answer; so is closing, snoozing or reassigning the ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.ids import derive_id
from contracts.routing import AssignmentDecided
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from router.queue.queued_ticket import QueuedTicket
from service_kit.office_hours import add
from service_kit.timers import with_due, without_due

ANSWER_DUE = "answer_due"
"""The due time at which the assignee of a ticket must have answered."""

NOT_ANSWERED = "not_answered"
"""Public contract: the rule of a decision that takes a ticket from its assignee."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Tickets (in the order given) after a look at whether they were answered, and which are taken back."""

    tickets: Sequence[QueuedTicket]
    decisions: Sequence[AssignmentDecided]


def follow_up(
    tickets: Sequence[QueuedTicket], settings: AssignmentSettings, schedule: Schedule | None, now: datetime
) -> FollowUp:
    """Take back what is overdue, and look again when the rest is."""
    followed: list[QueuedTicket] = []
    decisions: list[AssignmentDecided] = []
    for ticket in tickets:
        due = answer_due(ticket, settings, schedule)
        if due is None:
            followed.append(without_due(ticket, ANSWER_DUE))
        elif due > now:
            followed.append(with_due(ticket, ANSWER_DUE, due))
        else:
            decisions.append(taken_back(ticket, NOT_ANSWERED, schedule, now))
            followed.append(without_due(ticket, ANSWER_DUE).model_copy(update={"returned_from": ticket.counts_for}))
    return FollowUp(followed, tuple(decisions))


def answer_due(ticket: QueuedTicket, settings: AssignmentSettings, schedule: Schedule | None) -> datetime | None:
    """By when the assignee must have answered; None: there is nothing to answer, or no such time."""
    if settings.return_after_minutes is None or ticket.awaits_answer_since is None:
        return None
    return add(schedule, ticket.awaits_answer_since, timedelta(minutes=settings.return_after_minutes))


def taken_back(ticket: QueuedTicket, rule: str, schedule: Schedule | None, now: datetime) -> AssignmentDecided:
    """The decision to take a ticket from its assignee.

    Applied only if nothing happened to the ticket since what is known here; if refused it is looked at again.
    """
    seq = str(ticket.seq)
    return AssignmentDecided(
        id=derive_id("dec", ticket.account_id, ticket.ticket_id, str(ticket.epoch), rule, seq),
        account_id=ticket.account_id,
        time=now,
        ticket_id=ticket.ticket_id,
        assignment_epoch=ticket.epoch,
        team_id=ticket.team_id,
        rule=rule,
        returned_from=ticket.counts_for,
        as_of_seq=ticket.seq,
        schedule_version=schedule.version if schedule else None,
        schedule_id=schedule.id if schedule else None,
    )
