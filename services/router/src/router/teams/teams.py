"""Teams: agents, and the tags and segments that route to them. Pure; no I/O."""

from collections.abc import Iterable
from datetime import datetime

from contracts.directories import TeamDirectory, TeamEntry
from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from service_kit.docstore import CollectionSpec, Document, Index

TEAMS_PER_ACCOUNT = 200
"""The directory is published whole, and every decision looks at every team: a limit keeps both small."""

DIRECTORY_BYTES = 500_000
"""The directory of an account must fit one record of the bus, also where two changes cross."""


class Team(Document):
    """A team. Lower `rank` wins where several match. The default team has every agent and takes what matches none.

    What waited for this team for `overflow_after_minutes` of office time may go to `overflow_team_id` as well.
    """

    account_id: str
    name: str
    description: str = ""
    member_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    rank: int = 100
    is_default: bool = False
    overflow_team_id: str | None = None
    overflow_after_minutes: int | None = None
    created_at: UtcDatetime
    updated_at: UtcDatetime


TEAMS = CollectionSpec(name="teams", model=Team, indexes=(Index(("account_id",)),))


def default_team_id(account_id: str) -> str:
    """The default team's id, known before it exists: however often it is made, it is one."""
    return derive_id("tea", account_id, "default")


def place_of(team: Team) -> tuple[str, str]:
    """Where a team stands among those of its account: by rank, the default one last."""
    return f"{team.is_default:d}/{team.rank:06d}", team.id


def default_team(account_id: str, now: datetime) -> Team:
    """The team that every account begins with."""
    return Team(
        id=default_team_id(account_id),
        account_id=account_id,
        name="Everyone",
        description="Every agent; takes what no other team matches.",
        is_default=True,
        created_at=now,
        updated_at=now,
    )


def directory(teams: Iterable[Team]) -> TeamDirectory:
    """What other services need to know."""
    return TeamDirectory(
        teams={
            team.id: TeamEntry(id=team.id, name=team.name, member_ids=team.member_ids, is_default=team.is_default)
            for team in teams
        }
    )
