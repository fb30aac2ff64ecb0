"""Who would be given a ticket if its turn came now, and why (A1, A2, A9). Pure.

The one place where the policies meet: `routing` finds the team, `overflow` who takes over from it, `eligibility`
judges the agents, `rotation` knows whose turn it is. Deciding and simulating both ask here, so that neither can differ
from the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from contracts.directories import AgentEntry
from contracts.people import Channel, Role
from contracts.routing import Candidate
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from router.assigning.assigner import Assigner
from router.assigning.eligibility import Roll, roll
from router.assigning.rotation import Rotation, TurnOrder
from router.assigning.workload import Workload
from router.availability.agent_limits import AgentLimits
from router.queue.queued_ticket import QueuedTicket
from router.teams.overflow import OverflowTable, Reach
from router.teams.routing import Route, RoutingTable
from router.teams.teams import Team
from service_kit.office_hours import is_open

Rule = Literal["round_robin", "least_loaded", "team_member", "nobody_eligible", "left_to_people"]
"""Public contract: what the choice followed. The last is never decided: the ticket waits for a person."""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the account looks like now. `schedule` None: always open. `segments` by contact, `limits` by agent."""

    settings: AssignmentSettings
    schedule: Schedule | None
    teams: Sequence[Team]
    agents: Sequence[AgentEntry]
    online: frozenset[str]
    answering_roles: frozenset[Role]
    segments: Mapping[str, Sequence[str]]
    limits: Mapping[str, AgentLimits] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What was found for one ticket. `chosen` None: the rule says why.

    It was routed to the team of `route` and would go to `team`: the same one, or who took over after it had waited
    too long for those in `passed`. At `overflow_at` one more team is asked.
    """

    route: Route
    team: Team
    candidates: tuple[Candidate, ...]
    chosen: str | None
    rule: Rule
    passed: tuple[str, ...] = ()
    overflow_at: datetime | None = None


class Appraiser:
    """Appraises tickets of one account at one moment; what many tickets share is judged once."""

    def __init__(self, facts: AccountFacts, assigner: Assigner, now: datetime) -> None:
        self._facts = facts
        self._now = now
        self._is_open = is_open(facts.schedule, now)
        self._workload = Workload(facts.agents, facts.settings.capacity, facts.limits, assigner)
        self._turns = TurnOrder(assigner.rotation)
        self._table = RoutingTable(facts.teams)
        self._overflows = OverflowTable(facts.teams, facts.schedule)
        self._rolls: dict[tuple[frozenset[str], frozenset[str]], _Roll] = {}

    def appraise(self, ticket: QueuedTicket) -> Appraisal:
        """The team, every agent's standing, and whose turn it is."""
        segments = self._facts.segments.get(ticket.contact_id, ())
        found = self._table.route(tags=ticket.tags, segments=segments, picked_team_id=ticket.picked_team_id)
        if self._is_left_to_people(ticket, found):
            return Appraisal(found, found.team, self._judge(ticket, found.team).candidates, None, "left_to_people")
        reach = self._reach(ticket, found.team)
        judged = [self._judge(ticket, team) for team in reach.teams]
        place = _first_able(judged, ticket.returned_from)
        chosen = self._choose(judged[place].eligible, ticket.returned_from)
        by_choice: Rule = self._facts.settings.strategy if self._facts.settings.round_robin else "team_member"
        return Appraisal(
            route=found,
            team=reach.teams[place],
            candidates=judged[place].candidates,
            chosen=chosen,
            rule=by_choice if chosen else "nobody_eligible",
            passed=tuple([team.id for team in reach.teams[:place]]),
            overflow_at=reach.next_at,
        )

    def give(self, agent_id: str, channel: Channel) -> None:
        """A ticket of that channel was given to the agent: they have less room for the next, and had their turn."""
        self._workload.give(agent_id, channel)
        self._turns.deal(agent_id)

    @property
    def rotation(self) -> Rotation:
        """The rotation after all that was given."""
        return self._turns.rotation

    def _reach(self, ticket: QueuedTicket, team: Team) -> Reach:
        if team.overflow_team_id is None:
            return Reach((team,))
        return self._overflows.reach(team, ticket.waiting_for(team.id, self._now), self._now)

    def _choose(self, eligible: Sequence[str], returned_from: str | None) -> str | None:
        """Whose turn it is; whoever did not answer this ticket gets it again only where there is nobody else."""
        if returned_from is not None:
            eligible = [one for one in eligible if one != returned_from] or eligible
        counts = self._workload.totals if self._facts.settings.strategy == "least_loaded" else None
        return self._turns.first_of(eligible, counts)

    def _is_left_to_people(self, ticket: QueuedTicket, found: Route) -> bool:
        """Unmatched without round robin, or came while closed and the account wants no automatic backlog."""
        settings = self._facts.settings
        if found.matched_by is None and not settings.round_robin:
            return True
        if settings.assign_backlog_on_open or not self._is_open:
            return False
        return not is_open(self._facts.schedule, ticket.queued_at)

    def _judge(self, ticket: QueuedTicket, team: Team) -> "_Judged":
        barred, full = self._workload.barred(ticket.channel), self._workload.full(ticket.channel)
        if ticket.refused_agents:
            return _judged(self._call_roll(barred.union(ticket.refused_agents), full), team)
        known = self._rolls.get((barred, full))
        if known is None:
            known = self._rolls[barred, full] = _Roll(self._call_roll(barred, full))
        if team.id not in known.judged:
            known.judged[team.id] = _judged(known.roll, team)
        return known.judged[team.id]

    def _call_roll(self, barred: frozenset[str], full: frozenset[str]) -> Roll:
        return roll(
            self._facts.agents,
            answering_roles=self._facts.answering_roles,
            online=self._facts.online if self._facts.settings.round_robin else None,
            is_open=self._is_open,
            barred=barred,
            full=full,
        )


@dataclass(frozen=True, slots=True)
class _Judged:
    """Everybody's standing in one team."""

    candidates: tuple[Candidate, ...]
    eligible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Roll:
    """The roll of some channels as long as the same agents may not or cannot, and what it says of teams asked for."""

    roll: Roll
    judged: dict[str, _Judged] = field(default_factory=dict)


def _judged(called: Roll, team: Team) -> _Judged:
    return _Judged(called.of(team), called.eligible_in(team))


def _first_able(judged: Sequence[_Judged], returned_from: str | None) -> int:
    """The first team with somebody eligible, best with somebody who was not asked before; else the last one."""
    for place, one in enumerate(judged):
        if any(agent_id != returned_from for agent_id in one.eligible):
            return place
    return next((place for place, one in enumerate(judged) if one.eligible), len(judged) - 1)
