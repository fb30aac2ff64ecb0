"""Who would be given a ticket if its turn came now, and why (A1, A2, A9). Pure.

The one place where the policies meet: `routing` finds the team, `eligibility` judges the agents, `rotation` knows
whose turn it is. Deciding and simulating both ask here, so that neither can differ from the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from contracts.people import Channel, Role
from contracts.routing import Candidate
from contracts.schedules import Schedule
from contracts.settings import AgentEntry, AssignmentSettings
from router.agent_limits import AgentLimits
from router.assigner import Assigner
from router.eligibility import Roll, eligible_ids, roll
from router.queued_ticket import QueuedTicket
from router.rotation import Rotation
from router.routing import Route, RoutingTable
from router.teams import Team
from router.workload import Workload
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
    """What was found for one ticket. `chosen` None: the rule says why."""

    route: Route
    candidates: tuple[Candidate, ...]
    chosen: str | None
    rule: Rule


class Appraiser:
    """Appraises tickets of one account at one moment; what many tickets share is judged once."""

    def __init__(self, facts: AccountFacts, assigner: Assigner, now: datetime) -> None:
        self._facts = facts
        self._is_open = is_open(facts.schedule, now)
        self._workload = Workload(facts.agents, facts.settings.capacity, facts.limits, assigner)
        self._table = RoutingTable(facts.teams)
        self._rolls: dict[Channel, _Roll] = {}

    def appraise(self, ticket: QueuedTicket, rotation: Rotation) -> Appraisal:
        """The team, every agent's standing, and whose turn it is."""
        segments = self._facts.segments.get(ticket.contact_id, ())
        found = self._table.route(tags=ticket.tags, segments=segments, picked_team_id=ticket.picked_team_id)
        judged = self._judge(ticket, found.team)
        if self._is_left_to_people(ticket, found):
            return Appraisal(found, judged.candidates, None, "left_to_people")
        settings = self._facts.settings
        # Whoever did not answer this ticket gets it again only where there is nobody else.
        others = [one for one in judged.eligible if one != ticket.returned_from] or judged.eligible
        fewest = self._workload.total if settings.strategy == "least_loaded" else None
        chosen = rotation.first_of(others, fewest=fewest)
        by_choice: Rule = settings.strategy if settings.round_robin else "team_member"
        return Appraisal(found, judged.candidates, chosen, by_choice if chosen else "nobody_eligible")

    def give(self, agent_id: str, channel: Channel) -> None:
        """A ticket of that channel was given to the agent: they have less room for the next one."""
        self._workload.give(agent_id, channel)

    def _is_left_to_people(self, ticket: QueuedTicket, found: Route) -> bool:
        """Unmatched without round robin, or came while closed and the account wants no automatic backlog."""
        settings = self._facts.settings
        if found.matched_by is None and not settings.round_robin:
            return True
        if settings.assign_backlog_on_open or not self._is_open:
            return False
        return not is_open(self._facts.schedule, ticket.queued_at)

    def _judge(self, ticket: QueuedTicket, team: Team) -> "_Judged":
        if ticket.refused_agents:
            return _judged(self._call_roll(ticket.channel, ticket.refused_agents), team)
        full = self._workload.full(ticket.channel)
        known = self._rolls.get(ticket.channel)
        if known is None or known.full is not full:
            known = self._rolls[ticket.channel] = _Roll(self._call_roll(ticket.channel, ()), full)
        if team.id not in known.judged:
            known.judged[team.id] = _judged(known.roll, team)
        return known.judged[team.id]

    def _call_roll(self, channel: Channel, refused: Sequence[str]) -> Roll:
        return roll(
            self._facts.agents,
            answering_roles=self._facts.answering_roles,
            online=self._facts.online if self._facts.settings.round_robin else None,
            is_open=self._is_open,
            barred=self._workload.barred(channel).union(refused),
            full=self._workload.full(channel),
        )


@dataclass(frozen=True, slots=True)
class _Judged:
    """Everybody's standing in one team."""

    candidates: tuple[Candidate, ...]
    eligible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Roll:
    """The roll for one channel as long as `full` are those at capacity, and what it says of the teams asked for."""

    roll: Roll
    full: frozenset[str]
    judged: dict[str, _Judged] = field(default_factory=dict)


def _judged(called: Roll, team: Team) -> _Judged:
    standing = called.of(team)
    return _Judged(standing, eligible_ids(standing))
