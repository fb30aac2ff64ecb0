"""Which team a ticket belongs to (A1). Pure.

Tags and segments are compared without regard to case. Lowest rank wins; at equal rank a tag beats a segment, then
the lower id decides, so that the outcome never depends on the order of reading. No match: the default team.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.routing import LosingTeam
from router.teams.teams import Team

MatchedBy = Literal["tag", "segment"]
_PRECEDENCE: dict[MatchedBy, int] = {"tag": 0, "segment": 1}


@dataclass(frozen=True, slots=True)
class Route:
    """The team, why it was chosen, and who matched too. `matched_by` None: it is the team for what matches none."""

    team: Team
    matched_by: MatchedBy | Literal["person"] | None
    losing_teams: tuple[LosingTeam, ...] = ()


class RoutingTable:
    """The teams of one account, ready for many tickets; they hold its default team."""

    def __init__(self, teams: Sequence[Team]) -> None:
        self._teams = {team.id: team for team in teams}
        self._default = next(team for team in teams if team.is_default)
        self._by_tag = _index((team, team.tags) for team in teams if not team.is_default)
        self._by_segment = _index((team, team.segments) for team in teams if not team.is_default)

    def route(self, *, tags: Iterable[str], segments: Iterable[str], picked_team_id: str | None = None) -> Route:
        """The route of one ticket. A team that a person picked is not questioned, as long as it exists."""
        picked = self._teams.get(picked_team_id or "")
        if picked is not None:
            return Route(team=picked, matched_by="person")
        matched: dict[str, MatchedBy] = dict.fromkeys(_found(self._by_segment, segments), "segment")
        matched.update(dict.fromkeys(_found(self._by_tag, tags), "tag"))
        if not matched:
            return Route(team=self._default, matched_by=None)
        if len(matched) == 1:  # almost always, and nobody to compare it with
            ((team_id, by),) = matched.items()
            return Route(team=self._teams[team_id], matched_by=by)
        (winner, matched_by), *losers = sorted(
            ((self._teams[team_id], by) for team_id, by in matched.items()),
            key=lambda match: (match[0].rank, _PRECEDENCE[match[1]], match[0].id),
        )
        losing = tuple(LosingTeam(team_id=team.id, rank=team.rank, matched_by=by) for team, by in losers)
        return Route(team=winner, matched_by=matched_by, losing_teams=losing)


def _index(named: Iterable[tuple[Team, Iterable[str]]]) -> Mapping[str, Sequence[str]]:
    """Which teams each name leads to."""
    index: dict[str, list[str]] = {}
    for team, names in named:
        for name in names:
            index.setdefault(name.casefold(), []).append(team.id)
    return index


def _found(index: Mapping[str, Sequence[str]], names: Iterable[str]) -> Sequence[str]:
    return [team_id for name in names for team_id in index.get(name.casefold(), ())]
