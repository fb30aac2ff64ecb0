"""The decision itself: which waiting ticket goes to whom now, and why (A1-A6, A9). Pure.

It ties the policies together: `routing` finds the team, `eligibility` judges the agents, `rotation` knows whose turn
it is. Everything it needs is passed in; it reads no clock and writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.ids import derive_id
from contracts.people import Role
from contracts.routing import AssignmentDecided, Candidate
from contracts.schedules import Schedule
from contracts.settings import AgentEntry, AssignmentSettings
from router.assigner import HOURS_OPEN, Assigner, Pending
from router.eligibility import candidates, eligible_ids
from router.queued_ticket import QueuedTicket
from router.routing import Route, route
from router.teams import Team
from service_kit.office_hours import is_open, next_open
from service_kit.timers import with_due, without_due

CANDIDATES_PER_SITTING = 5_000
"""Every decision names every agent; so many fit comfortably into one document together."""

DECISIONS_PER_SITTING = 100


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the account looks like now. `schedule` None: always open. `segments` by contact."""

    settings: AssignmentSettings
    schedule: Schedule | None
    teams: Sequence[Team]
    agents: Sequence[AgentEntry]
    online: frozenset[str]
    answering_roles: frozenset[Role]
    segments: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The assigner and tickets (in the order given) after a sitting, and what was decided.

    `is_cut_short`: not every ticket was looked at, because as much was decided as one sitting may.
    """

    assigner: Assigner
    tickets: Sequence[QueuedTicket]
    decisions: Sequence[AssignmentDecided]
    is_cut_short: bool


def can_assign(facts: AccountFacts, now: datetime) -> bool:
    """Whether anybody at all could be given a ticket."""
    return is_open(facts.schedule, now) and any(
        agent.active
        and agent.role in facts.answering_roles
        and (agent.id in facts.online or not facts.settings.round_robin)
        for agent in facts.agents
    )


def decide_called(assigner: Assigner, tickets: Sequence[QueuedTicket], facts: AccountFacts, now: datetime) -> Outcome:
    """Decide about tickets that something happened to.

    While the queue has to be gone through they take their place in it, so that nobody passes those who wait longer;
    and one that waited before, and could be assigned now, calls for that.
    """
    assigner = _following_hours(assigner.without_unanswered(now), facts, now)
    if assigner.has_more and can_assign(facts, now):
        return Outcome(assigner, tickets, decisions=(), is_cut_short=False)
    return _decide(assigner.model_copy(update={"has_more": False}), tickets, facts, now, in_turn=False)


def decide_page(
    assigner: Assigner, tickets: Sequence[QueuedTicket], facts: AccountFacts, now: datetime, *, more_follow: bool
) -> Outcome:
    """Decide about one page of the queue; `more_follow`: it is not the last."""
    following = _following_hours(assigner.model_copy(update={"has_more": more_follow}), facts, now)
    return _decide(following, tickets, facts, now, in_turn=True)


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
        self.assigner = assigner
        self.decisions: list[AssignmentDecided] = []
        self.is_cut_short = False
        self.is_queue_called = False
        self._in_turn = in_turn
        self._facts = facts
        self._now = now
        self._is_open = is_open(facts.schedule, now)
        self._limit = max(1, min(DECISIONS_PER_SITTING, CANDIDATES_PER_SITTING // max(1, len(facts.agents))))
        self._judged: dict[str, tuple[Candidate, ...]] = {}

    def look_at(self, ticket: QueuedTicket) -> QueuedTicket:
        """The ticket after it was looked at."""
        if not ticket.is_waiting or self._is_left_to_people(ticket):
            return ticket
        if self.assigner.is_deciding(ticket.ticket_id, ticket.epoch):
            return ticket.model_copy(update={"is_waiting": False})
        found = self._route(ticket)
        if found.matched_by is None and not self._facts.settings.round_robin:
            return ticket
        judged = self._judge(ticket, found.team)
        chosen = self.assigner.rotation.first_of(eligible_ids(judged))
        if chosen is None:
            return self._announce(ticket, found, judged)
        if not self._in_turn and ticket.is_announced(found.team.id):
            self.is_queue_called = True
            return ticket
        return self._assign(ticket, found, judged, chosen)

    def _is_left_to_people(self, ticket: QueuedTicket) -> bool:
        """Came while closed, and the account wants no automatic assignment of that backlog."""
        if self._facts.settings.assign_backlog_on_open or not self._is_open:
            return False
        return not is_open(self._facts.schedule, ticket.queued_at)

    def _route(self, ticket: QueuedTicket) -> Route:
        segments = self._facts.segments.get(ticket.contact_id, ())
        return route(self._facts.teams, tags=ticket.tags, segments=segments, picked_team_id=ticket.picked_team_id)

    def _judge(self, ticket: QueuedTicket, team: Team) -> tuple[Candidate, ...]:
        if ticket.refused_agents:
            return self._judge_anew(team, ticket.refused_agents)
        if team.id not in self._judged:
            self._judged[team.id] = self._judge_anew(team, ())
        return self._judged[team.id]

    def _judge_anew(self, team: Team, refused: Sequence[str]) -> tuple[Candidate, ...]:
        return candidates(
            self._facts.agents,
            team,
            answering_roles=self._facts.answering_roles,
            online=self._facts.online if self._facts.settings.round_robin else None,
            is_open=self._is_open,
            refused=refused,
        )

    def _announce(self, ticket: QueuedTicket, found: Route, judged: tuple[Candidate, ...]) -> QueuedTicket:
        """Nobody is eligible: tell tickets the team, once, and let the ticket wait."""
        routed = ticket.model_copy(update={"team_id": found.team.id})
        if ticket.is_announced(found.team.id) or self._is_full():
            return routed
        decision_id = derive_id(
            "dec", ticket.account_id, ticket.ticket_id, str(ticket.epoch), "waits_for", found.team.id
        )
        self._decided(ticket, found, judged, decision_id, None)
        return routed.model_copy(
            update={
                "announced_id": decision_id,
                "announced_epoch": ticket.epoch,
                "announced_team_id": found.team.id,
            }
        )

    def _assign(self, ticket: QueuedTicket, found: Route, judged: tuple[Candidate, ...], chosen: str) -> QueuedTicket:
        if self.assigner.room == 0 or self._is_full():
            self.is_cut_short = True
            return ticket
        decision_id = self.assigner.decision_id(ticket.ticket_id, ticket.epoch)
        self._decided(ticket, found, judged, decision_id, chosen)
        pending = Pending(ticket_id=ticket.ticket_id, epoch=ticket.epoch, agent_id=chosen, at=self._now)
        self.assigner = self.assigner.with_decision(decision_id, pending)
        return ticket.model_copy(update={"is_waiting": False, "team_id": found.team.id})

    def _is_full(self) -> bool:
        self.is_cut_short = self.is_cut_short or len(self.decisions) >= self._limit
        return self.is_cut_short

    def _decided(
        self,
        ticket: QueuedTicket,
        found: Route,
        judged: tuple[Candidate, ...],
        decision_id: str,
        chosen: str | None,
    ) -> None:
        by_choice = "round_robin" if self._facts.settings.round_robin else "team_member"
        schedule = self._facts.schedule
        self.decisions.append(
            AssignmentDecided(
                id=decision_id,
                account_id=ticket.account_id,
                time=self._now,
                ticket_id=ticket.ticket_id,
                assignment_epoch=ticket.epoch,
                agent_id=chosen,
                team_id=found.team.id,
                rule=by_choice if chosen else "nobody_eligible",
                candidates=judged,
                losing_teams=found.losing_teams,
                schedule_version=schedule.version if schedule else None,
            )
        )
