"""Teams that take over what waited too long for another one (A1, A5). Pure.

A ticket stays with the team it was routed to; with time further teams are asked as well, each only where nobody
before it is eligible. Office time counts, from when the ticket began to wait for its team. Teams may be changed at
any moment, by two people at once: so whatever the teams say, no team is asked twice and no more than `MAX_HOPS` are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.schedules import Schedule
from router.teams.teams import Team
from service_kit.office_hours import add

OVERFLOW_DUE = "overflow_due"
"""The due time at which the next team is asked as well."""

MAX_HOPS = 5
"""How many teams may take over from one another; somebody must be able to see through it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The teams that a ticket may go to now, its own first, and when another one is added."""

    teams: tuple[Team, ...]
    next_at: datetime | None = None


class OverflowTable:
    """The overflows of one account's teams, ready for many tickets."""

    def __init__(self, teams: Sequence[Team], schedule: Schedule | None) -> None:
        self._teams = {team.id: team for team in teams}
        self._schedule = schedule

    def reach(self, team: Team, since: datetime, now: datetime) -> Reach:
        """Where a ticket may go that has waited for `team` since then."""
        teams = [team]
        waits = timedelta()
        for after, following in overflows(team, self._teams):
            waits += after
            at = add(self._schedule, since, waits)
            if at is None or at > now:
                return Reach(tuple(teams), at)
            teams.append(following)
        return Reach(tuple(teams))


def overflows(team: Team, teams: Mapping[str, Team]) -> Iterator[tuple[timedelta, Team]]:
    """The teams that take over from `team`, one after the other, each with its wait; it always ends."""
    seen = {team.id}
    while len(seen) <= MAX_HOPS:
        following = teams.get(team.overflow_team_id or "")
        if following is None or following.id in seen or team.overflow_after_minutes is None:
            return
        yield timedelta(minutes=team.overflow_after_minutes), following
        seen.add(following.id)
        team = following


def flaw_of_overflow(team: Team, others: Sequence[Team]) -> str | None:
    """What is wrong with where `team` overflows to, as a public code, given the other teams; None: nothing."""
    if (team.overflow_team_id is None) != (team.overflow_after_minutes is None):
        return "overflow_incomplete"
    teams = {other.id: other for other in others} | {team.id: team}
    if team.overflow_team_id is not None and team.overflow_team_id not in teams:
        return "unknown_team"
    chains = [_chain(start, teams) for start in teams.values()]
    through = [chain for chain in chains if team.id in chain]
    if any(len(chain) > len(set(chain)) for chain in through):
        return "overflow_cycle"
    return "overflow_too_long" if any(len(chain) > MAX_HOPS + 1 for chain in through) else None


def _chain(team: Team, teams: Mapping[str, Team]) -> list[str]:
    """The teams from this one on; where they come round again the one that does stands there twice, at the end."""
    chain: list[str] = []
    following: Team | None = team
    while following is not None:
        chain.append(following.id)
        following = teams.get(following.overflow_team_id or "") if chain.count(following.id) == 1 else None
    return chain
