"""Teams are made, changed and removed, and everybody is told."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from contracts.directories import AgentDirectory, TeamDirectory
from contracts.ids import new_id
from router.directory_publisher import DirectoryPublisher
from router.problems import (
    changed_meanwhile,
    default_team_fixed,
    flawed_overflow,
    team_in_use,
    too_large,
    too_many,
    unknown_agents,
)
from router.queue.arrival import arrived
from router.teams.overflow import flaw_of_overflow
from router.teams.team_store import TeamStore
from router.teams.teams import DIRECTORY_BYTES, TEAMS_PER_ACCOUNT, Team, directory, place_of
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import Fate
from service_kit.http.problems import not_found
from service_kit.settings_copies import SettingsCopies

_ATTEMPTS = 8
_NEW_AGENT_SECONDS = 2.0


class TeamWorkflow:
    """Teams of every account. Each method returns when the directory of teams is published."""

    def __init__(
        self,
        store: TeamStore,
        directory_publisher: DirectoryPublisher[TeamDirectory],
        copies: SettingsCopies,
        clock: Clock,
    ) -> None:
        self._store = store
        self._directory = directory_publisher
        self._copies = copies
        self._clock = clock

    async def create(self, account_id: str, given: dict[str, Any]) -> Team:
        """Add a team.

        Raises:
            Problem: 409 `limit_reached`, 422 `unknown_agent`, `too_large` or of a flawed overflow.
        """
        now = self._clock.now()
        team = Team(id=new_id("tea"), account_id=account_id, created_at=now, updated_at=now, **given)
        others = await self._store.of_account(account_id)
        if len(others) >= TEAMS_PER_ACCOUNT:
            raise too_many("teams", TEAMS_PER_ACCOUNT)
        _check_overflow(team, others)
        await self._check(team, others)
        await self._store.insert(team)
        crash_point("router.team_saved")
        await self._directory.publish(account_id)
        return team

    async def change(self, account_id: str, team_id: str, given: dict[str, Any]) -> Team:
        """Change what is given; of the default team only its name and description.

        Raises:
            Problem: 404, 409 `default_team` or `conflict`, 422 `unknown_agent`, `too_large` or of a flawed overflow.
        """

        def changed(before: Team) -> Team:
            if before.is_default and set(given) - {"name", "description"}:
                raise default_team_fixed("has every agent, and takes what no other team matches")
            return before.model_copy(update={**given, "updated_at": self._clock.now()})

        for _ in range(_ATTEMPTS):
            before = await self.find(account_id, team_id)
            after = changed(before)
            others = await self._store.of_account(account_id)
            # Two changes at one moment may still make a circle: nobody may be kept from mending the rest of a team.
            if _overflow_of(after) != _overflow_of(before):
                _check_overflow(after, others)
            await self._check(after, others)
            if await self._store.replace(after) is Fate.DONE:
                await self._directory.publish(account_id)
                return after
        raise changed_meanwhile()

    async def remove(self, account_id: str, team_id: str) -> None:
        """Remove a team; what waits for it is routed anew.

        Raises:
            Problem: 404, 409 `default_team`, `team_in_use` or `conflict`.
        """
        for _ in range(_ATTEMPTS):
            team = await self.find(account_id, team_id)
            if team.is_default:
                raise default_team_fixed("cannot be removed")
            others = await self._store.of_account(account_id)
            if leading_here := sorted(other.id for other in others if other.overflow_team_id == team_id):
                raise team_in_use(leading_here)
            if await self._store.delete(team) is Fate.DONE:
                await self._directory.publish(account_id)
                return
        raise changed_meanwhile()

    async def find(self, account_id: str, team_id: str) -> Team:
        """One team.

        Raises:
            Problem: 404.
        """
        team = await self._store.find(account_id, team_id)
        if team is None:
            raise not_found("team")
        return team

    async def of_account(self, account_id: str) -> Sequence[Team]:
        """All teams, in the order in which they are asked."""
        return sorted(await self._store.of_account(account_id), key=place_of)

    async def _check(self, team: Team, others: Sequence[Team]) -> None:
        """Members are agents of this account, and the directory stays small enough to be published."""
        everything = directory([team, *(other for other in others if other.id != team.id)])
        if len(everything.model_dump_json().encode()) > DIRECTORY_BYTES:
            raise too_large("teams", DIRECTORY_BYTES)
        if team.member_ids and not await arrived(self._all_known(team), within_seconds=_NEW_AGENT_SECONDS):
            agents = await self._copies.get(team.account_id, "agents", AgentDirectory)
            raise unknown_agents(sorted(set(team.member_ids) - set(agents.agents)))

    def _all_known(self, team: Team) -> Callable[[], Awaitable[bool | None]]:
        """Whether all members are known; an agent made a moment ago may not have been copied yet."""

        async def look() -> bool | None:
            agents = await self._copies.get(team.account_id, "agents", AgentDirectory, fresh=True)
            return set(team.member_ids) <= set(agents.agents) or None

        return look


def _overflow_of(team: Team) -> tuple[str | None, int | None]:
    return team.overflow_team_id, team.overflow_after_minutes


def _check_overflow(team: Team, others: Sequence[Team]) -> None:
    if (flaw := flaw_of_overflow(team, others)) is not None:
        raise flawed_overflow(flaw)
