"""`/v1/teams`: who is in which team, and what routes there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends, status
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.directories import AgentDirectory
from router.teams.team_workflow import TeamWorkflow
from router.teams.teams import Team, place_of
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, PageOf
from service_kit.http.routes import Routes
from service_kit.http.whole_lists import WHOLE_LIMIT, WholeLimit, page_of
from service_kit.settings_copies import SettingsCopies


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Description = Annotated[str, Field(max_length=2_000)]
Members = Annotated[
    tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=2_000), AfterValidator(_distinct)
]
Tags = Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=200), AfterValidator(_distinct)]
Segments = Annotated[
    tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=200), AfterValidator(_distinct)
]
Rank = Annotated[int, Field(ge=0, le=100_000, description="Where several teams match, the lowest wins.")]
OverflowTeam = Annotated[
    Annotated[str, Field(min_length=1, max_length=100)] | None,
    Field(description="Who is asked as well about tickets that wait too long for this team; null: nobody."),
]
OverflowAfter = Annotated[
    Annotated[int, Field(ge=1, le=43_200)] | None, Field(description="After how many minutes of office time.")
]

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Manager = Annotated[Principal, Depends(requires(Permission.TEAMS_MANAGE))]


class NewTeam(BaseModel):
    """A team to add."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Description = ""
    member_ids: Members = ()
    tags: Tags = ()
    segments: Segments = ()
    rank: Rank = 100
    overflow_team_id: OverflowTeam = None
    overflow_after_minutes: OverflowAfter = None


class TeamChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    description: Description = ""
    member_ids: Members = ()
    tags: Tags = ()
    segments: Segments = ()
    rank: Rank = 0
    overflow_team_id: OverflowTeam = None
    overflow_after_minutes: OverflowAfter = None


class ShownTeam(BaseModel):
    """A team. The default one lists every agent as its member."""

    id: str
    name: str
    description: str
    member_ids: Sequence[str]
    tags: Sequence[str]
    segments: Sequence[str]
    rank: int
    overflow_team_id: str | None
    overflow_after_minutes: int | None
    is_default: bool
    created_at: datetime
    updated_at: datetime


def teams_router(workflow: TeamWorkflow, copies: SettingsCopies) -> Routes:
    """The routes."""
    router = Routes("/v1/teams", tags=["assignment"])

    async def shown(team: Team) -> ShownTeam:
        agents = await copies.get(team.account_id, "agents", AgentDirectory) if team.is_default else None
        everybody = sorted(agent.id for agent in agents.agents.values() if agent.active) if agents else None
        return ShownTeam.model_validate(
            {**team.model_dump(), "member_ids": team.member_ids if everybody is None else everybody}
        )

    @router.get("")
    async def list_teams(
        principal: Reader, limit: WholeLimit = WHOLE_LIMIT, cursor: Cursor = None
    ) -> PageOf[ShownTeam]:
        """Teams in the order in which they are asked; an account has 200 at most."""
        teams = await workflow.of_account(principal.account_id)
        page = page_of(teams, place_of, order="teams", limit=limit, cursor=cursor)
        return PageOf(items=[await shown(team) for team in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create_team(
        given: NewTeam, principal: Manager, act: Annotated[Act, audited("team.created")]
    ) -> ShownTeam:
        """Add a team; returns when every service is being told."""
        team = await workflow.create(principal.account_id, given.model_dump())
        act.target_id = team.id
        return await shown(team)

    @router.get("/{team_id}")
    async def read_team(team_id: str, principal: Reader) -> ShownTeam:
        """One team."""
        return await shown(await workflow.find(principal.account_id, team_id))

    @router.patch("/{team_id}")
    async def change_team(
        team_id: str, given: TeamChange, principal: Manager, _act: Annotated[Act, audited("team.changed")]
    ) -> ShownTeam:
        """Change a team; its members, tags and segments are given whole."""
        changes = given.model_dump(exclude_unset=True)
        return await shown(await workflow.change(principal.account_id, team_id, changes))

    @router.delete("/{team_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove_team(team_id: str, principal: Manager, _act: Annotated[Act, audited("team.deleted")]) -> None:
        """Remove a team; tickets that wait for it are routed anew."""
        await workflow.remove(principal.account_id, team_id)

    return router
