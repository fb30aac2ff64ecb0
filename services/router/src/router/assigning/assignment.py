"""The decision itself: which waiting ticket goes to whom now, and why (A1-A6, A9). Pure.

Whom a ticket would go to is for `appraisal` to say; here it is said in which order tickets are looked at, how much
is decided in one sitting, and what is told. Everything needed is passed in; no clock is read and nothing written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.ids import derive_id
from contracts.routing import AssignmentDecided
from router.assigning.appraisal import AccountFacts, Appraisal, Appraiser
from router.assigning.assigner import HOURS_OPEN, Assigner, Pending
from router.assigning.workload import Workload, is_capacity_limited
from router.queue.departures import departed, handed_back
from router.queue.queued_ticket import QueuedTicket
from router.queue.unanswered import follow_up
from router.teams.overflow import OVERFLOW_DUE
from service_kit.office_hours import is_open, next_open
from service_kit.timers import with_due, without_due

CANDIDATES_PER_SITTING = 5_000
"""Every decision names every agent; so many fit comfortably into one document together."""

DECISIONS_PER_SITTING = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """The assigner and tickets (in the order given) after a sitting, and what was decided.

    `is_cut_short`: not every ticket was looked at, because as much was decided as one sitting may.
    """

    assigner: Assigner
    tickets: Sequence[QueuedTicket]
    decisions: Sequence[AssignmentDecided]
    is_cut_short: bool


def can_assign(assigner: Assigner, facts: AccountFacts, now: datetime) -> bool:
    """Whether anybody at all could be given a ticket of any kind."""
    workload = Workload(facts.agents, facts.settings.capacity, facts.limits, assigner)
    return is_open(facts.schedule, now) and any(
        agent.active
        and agent.role in facts.answering_roles
        and (agent.id in facts.online or not facts.settings.round_robin)
        and workload.has_any_room(agent.id)
        for agent in facts.agents
    )


def decide_called(
    assigner: Assigner,
    tickets: Sequence[QueuedTicket],
    facts: AccountFacts,
    now: datetime,
    *,
    frees_capacity: bool = False,
) -> Outcome:
    """Decide about tickets that something happened to.

    While the queue has to be gone through they take their place in it, so that nobody passes those who wait longer;
    and one that waited before, and could be assigned now, calls for that. So does capacity that was freed. What was
    not answered in time is taken back, and what agents have who left.
    """
    assigner = _following_hours(assigner.without_unanswered(now), facts, now)
    if frees_capacity and is_capacity_limited(facts.settings.capacity, facts.limits):
        assigner = assigner.model_copy(update={"has_more": True})
    back = handed_back(tickets, departed(facts.agents), facts.schedule, now)
    followed = follow_up(back.tickets, facts.settings, facts.schedule, now)
    taken = (*back.decisions, *followed.decisions)
    if assigner.has_more and can_assign(assigner, facts, now):
        return Outcome(assigner, followed.tickets, taken, is_cut_short=False)
    outcome = _decide(assigner.model_copy(update={"has_more": False}), followed.tickets, facts, now, in_turn=False)
    return replace(outcome, decisions=[*taken, *outcome.decisions])


def decide_page(
    assigner: Assigner, tickets: Sequence[QueuedTicket], facts: AccountFacts, now: datetime, *, more_follow: bool
) -> Outcome:
    """Decide about one page of the queue; `more_follow`: it is not the last.

    Once everybody is at capacity nobody looks further: whoever has room again begins at the front.
    """
    following = _following_hours(assigner.model_copy(update={"has_more": more_follow}), facts, now)
    outcome = _decide(following, tickets, facts, now, in_turn=True)
    is_limited = is_capacity_limited(facts.settings.capacity, facts.limits)
    if not is_limited or not outcome.decisions or can_assign(outcome.assigner, facts, now):
        return outcome
    return replace(outcome, assigner=outcome.assigner.model_copy(update={"has_more": False}))


def _decide(
    assigner: Assigner, tickets: Sequence[QueuedTicket], facts: AccountFacts, now: datetime, *, in_turn: bool
) -> Outcome:
    """Look at tickets, first come first served. Those not waiting, or already being decided, stay as they are."""
    one_pass = _Pass(assigner, facts, now, in_turn=in_turn)
    looked_at = [one_pass.look_at(ticket) for ticket in tickets]
    has_more = assigner.has_more or one_pass.is_cut_short or one_pass.is_queue_called
    decided = one_pass.assigner.model_copy(update={"has_more": has_more})
    return Outcome(decided, looked_at, one_pass.decisions, one_pass.is_cut_short)


def _following_hours(assigner: Assigner, facts: AccountFacts, now: datetime) -> Assigner:
    """Be woken when the office opens (A4); whoever finds it opened before the alarm did goes through the queue."""
    if not is_open(facts.schedule, now):
        opens_at = next_open(facts.schedule, now)
        return without_due(assigner, HOURS_OPEN) if opens_at is None else with_due(assigner, HOURS_OPEN, opens_at)
    if any(due.kind == HOURS_OPEN for due in assigner.due):
        return without_due(assigner, HOURS_OPEN).model_copy(update={"has_more": True})
    return assigner


class _Pass:
    """One pass over some tickets; keeps the state that runs from one to the next.

    `in_turn`: they are the queue itself, in its order. `is_queue_called`: one of them must take its turn there.
    """

    def __init__(self, assigner: Assigner, facts: AccountFacts, now: datetime, *, in_turn: bool) -> None:
        self._before = assigner
        self._made: dict[str, Pending] = {}
        self.decisions: list[AssignmentDecided] = []
        self.is_cut_short = False
        self.is_queue_called = False
        self._in_turn = in_turn
        self._facts = facts
        self._now = now
        self._appraiser = Appraiser(facts, assigner, now)
        self._deciding = {(one.ticket_id, one.epoch) for one in assigner.pending.values()}
        self._limit = max(1, min(DECISIONS_PER_SITTING, CANDIDATES_PER_SITTING // max(1, len(facts.agents))))

    @property
    def assigner(self) -> Assigner:
        """The assigner after all that was decided."""
        return self._before.with_decisions(self._made, self._appraiser.rotation) if self._made else self._before

    def look_at(self, ticket: QueuedTicket) -> QueuedTicket:
        """The ticket after it was looked at; as it was, once as much is decided as may be."""
        if self.is_cut_short or not ticket.is_waiting:
            return ticket
        if (ticket.ticket_id, ticket.epoch) in self._deciding:
            return _following_overflow(ticket, None).model_copy(update={"is_waiting": False})
        found = self._appraiser.appraise(ticket)
        if found.rule == "left_to_people":
            return _following_overflow(ticket, None)
        if found.chosen is None:
            return self._announce(ticket, found)
        if not self._in_turn and ticket.is_announced(found.team.id):
            self.is_queue_called = True
            return ticket
        return self._assign(ticket, found, found.chosen)

    def _announce(self, ticket: QueuedTicket, found: Appraisal) -> QueuedTicket:
        """Nobody is eligible: tell tickets the team, once, and let the ticket wait."""
        team_id, waits_for = found.team.id, found.route.team.id
        waits_since = ticket.waiting_for(waits_for, self._now)
        routed = _following_overflow(ticket, found.overflow_at).model_copy(
            update={"team_id": team_id, "waits_for": waits_for, "waits_since": waits_since}
        )
        if ticket.is_announced(team_id) or self._is_full():
            return routed
        decision_id = derive_id("dec", ticket.account_id, ticket.ticket_id, str(ticket.epoch), "waits_for", team_id)
        self._decided(ticket, found, decision_id)
        return routed.model_copy(
            update={
                "announced_id": decision_id,
                "announced_epoch": ticket.epoch,
                "announced_team_id": team_id,
            }
        )

    def _assign(self, ticket: QueuedTicket, found: Appraisal, chosen: str) -> QueuedTicket:
        if self._before.room <= len(self._made) or self._is_full():
            self.is_cut_short = True
            return ticket
        decision_id = self._before.decision_id(ticket.ticket_id, ticket.epoch, after=len(self._made))
        self._decided(ticket, found, decision_id)
        self._made[decision_id] = Pending(
            ticket_id=ticket.ticket_id, epoch=ticket.epoch, agent_id=chosen, channel=ticket.channel, at=self._now
        )
        self._deciding.add((ticket.ticket_id, ticket.epoch))
        self._appraiser.give(chosen, ticket.channel)
        return _following_overflow(ticket, None).model_copy(update={"is_waiting": False, "team_id": found.team.id})

    def _is_full(self) -> bool:
        self.is_cut_short = self.is_cut_short or len(self.decisions) >= self._limit
        return self.is_cut_short

    def _decided(self, ticket: QueuedTicket, found: Appraisal, decision_id: str) -> None:
        schedule = self._facts.schedule
        self.decisions.append(
            AssignmentDecided(
                id=decision_id,
                account_id=ticket.account_id,
                time=self._now,
                ticket_id=ticket.ticket_id,
                assignment_epoch=ticket.epoch,
                agent_id=found.chosen,
                team_id=found.team.id,
                rule=found.rule,
                candidates=found.candidates,
                losing_teams=found.route.losing_teams,
                schedule_version=schedule.version if schedule else None,
                schedule_id=schedule.id if schedule else None,
                overflowed_from=found.passed,
                matched_by=found.route.matched_by,
            )
        )


def _following_overflow(ticket: QueuedTicket, at: datetime | None) -> QueuedTicket:
    """The ticket is looked at again when one more team is to be asked, if one is."""
    if at is not None:
        return with_due(ticket, OVERFLOW_DUE, at)
    return without_due(ticket, OVERFLOW_DUE) if ticket.due else ticket
