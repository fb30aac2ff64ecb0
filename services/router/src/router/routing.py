"""Which team a ticket belongs to (A1). Pure.

Tags and segments are compared without regard to case. Lowest rank wins; at equal rank a tag beats a segment, then
the lower id decides, so that the outcome never depends on the order of reading. No match: the default team.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.routing import LosingTeam
from router.teams import Team

MatchedBy = Literal["tag", "segment"]
_PRECEDENCE: dict[MatchedBy, int] = {"tag": 0, "segment": 1}


@dataclass(frozen=True, slots=True)
class Route:
    """The team, why it was chosen, and who matched too. `matched_by` None: it is the team for what matches none."""

    team: Team
    matched_by: MatchedBy | Literal["person"] | None
    losing_teams: tuple[LosingTeam, ...] = ()


def route(
    teams: Sequence[Team], *, tags: Iterable[str], segments: Iterable[str], picked_team_id: str | None = None
) -> Route:
    """The route of one ticket. A team that a person picked is not questioned, as long as it exists.

    `teams` are those of one account and hold its default team.
    """
    picked = next((team for team in teams if team.id == picked_team_id), None)
    if picked is not None:
        return Route(team=picked, matched_by="person")
    folded_tags, folded_segments = _folded(tags), _folded(segments)
    matches = sorted(
        (
            (team, matched_by)
            for team in teams
            if (matched_by := _match(team, folded_tags, folded_segments)) is not None
        ),
        key=lambda match: (match[0].rank, _PRECEDENCE[match[1]], match[0].id),
    )
    if not matches:
        return Route(team=next(team for team in teams if team.is_default), matched_by=None)
    (winner, matched_by), *losers = matches
    losing = tuple(LosingTeam(team_id=team.id, rank=team.rank, matched_by=by) for team, by in losers)
    return Route(team=winner, matched_by=matched_by, losing_teams=losing)


def _match(team: Team, tags: frozenset[str], segments: frozenset[str]) -> MatchedBy | None:
    if team.is_default:
        return None
    if tags & _folded(team.tags):
        return "tag"
    if segments & _folded(team.segments):
        return "segment"
    return None


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
