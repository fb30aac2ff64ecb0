"""Every query for teams."""

from collections.abc import Sequence

from contracts.directories import TeamDirectory
from router.teams.teams import TEAMS, Team, directory
from service_kit.docstore import DocStore, Eq, Fate
from service_kit.docstore.every_page import every


class TeamStore:
    """Teams in the document store. Every read names the account."""

    def __init__(self, store: DocStore) -> None:
        self._teams = store.collection(TEAMS)

    async def find(self, account_id: str, team_id: str) -> Team | None:
        """One team of this account."""
        team = await self._teams.get(team_id)
        return team if team is not None and team.account_id == account_id else None

    async def of_account(self, account_id: str) -> Sequence[Team]:
        """All teams of an account, the default one among them."""
        return await every(self._teams, Eq("account_id", account_id))

    async def directory(self, account_id: str) -> TeamDirectory:
        """What other services need to know of an account's teams."""
        return directory(await self.of_account(account_id))

    async def insert(self, team: Team) -> Fate:
        """Add one."""
        return (await self._teams.insert_many([team]))[0]

    async def replace(self, team: Team) -> Fate:
        """Change one."""
        return (await self._teams.replace_many([team]))[0]

    async def delete(self, team: Team) -> Fate:
        """Remove one."""
        return (await self._teams.delete_many([team]))[0]
