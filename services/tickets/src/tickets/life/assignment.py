"""Who answers: whether a decision of the router still applies (A6), and assigning by hand (A8). Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from contracts.people import Actor
from contracts.routing import AssignmentDecided
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketUnassigned
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_events import SYSTEM, changed, say

RefusalReason = Literal["stale_epoch", "not_open", "already_assigned", "held", "unknown_agent"]

_REMEMBERED_DECISIONS = 16


@dataclass(frozen=True, slots=True)
class Apply:
    """The decision fits."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The decision came too late."""

    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class AlreadyJudged:
    """This very decision was applied or refused before."""


Judgement = Apply | Refuse | AlreadyJudged


def judge(ticket: Ticket, decision: AssignmentDecided, *, agent_is_known: bool) -> Judgement:
    """Whether to apply; what a person decided always wins."""
    if decision.id in ticket.judged_decisions:
        return AlreadyJudged()
    is_outdated = decision.as_of_seq is not None and decision.as_of_seq != ticket.event_seq
    if decision.assignment_epoch != ticket.assignment_epoch or is_outdated:
        return Refuse("stale_epoch")
    if not ticket.is_open or ticket.hidden:
        return Refuse("not_open")
    if ticket.assignee_id != decision.returned_from:
        return Refuse("already_assigned")
    if ticket.held:
        return Refuse("held")
    return Apply() if agent_is_known else Refuse("unknown_agent")


def settled(ticket: Ticket, decision: AssignmentDecided, *, agent_is_known: bool, now: datetime) -> Ticket:
    """The ticket after the decision was applied or refused; unchanged if that happened before."""
    judgement = judge(ticket, decision, agent_is_known=agent_is_known)
    remembered = (*ticket.judged_decisions, decision.id)[-_REMEMBERED_DECISIONS:]
    match judgement:
        case AlreadyJudged():
            return ticket
        case Refuse(reason=reason):
            ticket = ticket.model_copy(update={"judged_decisions": remembered})
            return say(
                ticket,
                TicketAssignmentRefused,
                actor=SYSTEM,
                cause="auto_assignment",
                now=now,
                decision_id=decision.id,
                agent_id=decision.agent_id,
                reason=reason,
            )
        case Apply() if decision.returned_from is not None:
            return released(ticket.model_copy(update={"judged_decisions": remembered}), cause=decision.rule, now=now)
        case Apply():
            ticket = changed(
                ticket,
                now,
                assignee_id=decision.agent_id,
                team_id=decision.team_id or ticket.team_id,
                judged_decisions=remembered,
            )
            return say(ticket, TicketAssigned, actor=SYSTEM, cause="auto_assignment", now=now, decision_id=decision.id)
        case _:
            assert_never(judgement)


def by_hand(ticket: Ticket, *, agent_id: str | None, team_id: str | None, actor: Actor, now: datetime) -> Ticket:
    """The ticket with the assignee and team a person chose; earlier decisions no longer apply.

    Unassigned without a team it is held: it waits for a person (A6). Given to a team it is routed again.
    """
    held = agent_id is None and team_id in {None, ticket.team_id}
    if (agent_id, team_id, held) == (ticket.assignee_id, ticket.team_id, ticket.held):
        return ticket
    previous = ticket.assignee_id
    update = {"assignee_id": agent_id, "team_id": team_id, "held": held}
    ticket = changed(ticket, now, assignment_epoch=ticket.assignment_epoch + 1, **update)
    has_gone = agent_id is None and (previous is not None or team_id is None)
    event = TicketUnassigned if has_gone else TicketAssigned
    return say(ticket, event, actor=actor, cause="agent", now=now, previous_assignee_id=previous)


def released(ticket: Ticket, *, cause: str, now: datetime) -> Ticket:
    """The ticket back in the queue, because its assignee cannot answer."""
    previous = ticket.assignee_id
    ticket = changed(ticket, now, assignee_id=None, held=False, assignment_epoch=ticket.assignment_epoch + 1)
    return say(ticket, TicketUnassigned, actor=SYSTEM, cause=cause, now=now, previous_assignee_id=previous)
