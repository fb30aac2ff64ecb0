"""Who may be given a ticket now, and why the others may not (A9). Pure.

Of several reasons the one that lasts longest is named: what somebody may do changes less often than their team,
their team less often than the time of day, and that is beyond their control while the switch is not. Who is at
capacity may have room in a moment.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter

from contracts.directories import AgentEntry
from contracts.people import Role
from contracts.routing import Candidate, Exclusion
from router.teams.teams import Team


class Roll:
    """Every agent by id as each would stand inside a team, and outside of it: judged once, for all teams."""

    def __init__(self, inside: Sequence[Candidate], outside: Sequence[Candidate]) -> None:
        self._inside = tuple(inside)
        self._outside = tuple(outside)
        self._place = {candidate.agent_id: place for place, candidate in enumerate(inside)}
        self._eligible = eligible_ids(inside)
        self._are_eligible = frozenset(self._eligible)

    def of(self, team: Team) -> tuple[Candidate, ...]:
        """Every agent's standing for one team; the default team has everybody."""
        if team.is_default:
            return self._inside
        standing = list(self._outside)
        for place in map(self._place.get, team.member_ids):
            if place is not None:
                standing[place] = self._inside[place]
        return tuple(standing)

    def eligible_in(self, team: Team) -> tuple[str, ...]:
        """Those who may be given a ticket of one team, by id."""
        if team.is_default:
            return self._eligible
        return tuple(sorted(self._are_eligible.intersection(team.member_ids)))


def roll(
    agents: Iterable[AgentEntry],
    *,
    answering_roles: Collection[Role],
    online: Collection[str] | None,
    is_open: bool,
    barred: Collection[str] = (),
    full: Collection[str] = (),
) -> Roll:
    """Every agent of the account, each eligible or excluded for one reason.

    `online` None: presence does not count (round robin is off, nobody has a switch). `barred` names agents who may
    not have this ticket: not on its channel, or tickets has just refused them. `full` can take no more of its channel.
    """

    def exclusion(agent_id: str) -> Exclusion | None:
        if not is_open:
            return "outside_hours"
        if online is not None and agent_id not in online:
            return "offline"
        return "at_capacity" if agent_id in full else None

    inside, outside = [], []
    for agent in sorted(agents, key=attrgetter("id")):
        if agent.active and agent.role in answering_roles and agent.id not in barred:
            inside.append(_candidate(agent.id, exclusion(agent.id)))
            outside.append(_candidate(agent.id, "not_in_team"))
        else:
            inside.append(_candidate(agent.id, "no_permission"))
            outside.append(inside[-1])
    return Roll(inside, outside)


def eligible_ids(judged: Iterable[Candidate]) -> tuple[str, ...]:
    """Those who may be given the ticket."""
    return tuple([candidate.agent_id for candidate in judged if candidate.eligible])


@lru_cache(maxsize=16_384)
def _candidate(agent_id: str, reason: Exclusion | None) -> Candidate:
    """Made once: the same few agents are judged over and over, and making one costs more than judging it."""
    return Candidate(agent_id=agent_id, eligible=reason is None, reason=reason)
