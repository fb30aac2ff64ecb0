"""What agents and teams of an account are called, for texts that people read."""

from collections.abc import Mapping

from contracts.directories import AgentDirectory
from router.teams.team_store import TeamStore
from service_kit.settings_copies import SettingsCopies


class Names:
    """Looks names up; also of agents who left."""

    def __init__(self, teams: TeamStore, copies: SettingsCopies) -> None:
        self._teams = teams
        self._copies = copies

    async def of_account(self, account_id: str) -> Mapping[str, str]:
        """Names by id."""
        agents = await self._copies.get(account_id, "agents", AgentDirectory)
        teams = await self._teams.of_account(account_id)
        return {team.id: team.name for team in teams} | {agent.id: agent.name for agent in agents.agents.values()}
