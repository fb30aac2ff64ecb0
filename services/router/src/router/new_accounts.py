"""What a new account begins with: assignment settings, a team that everybody is in, and no schedule."""

from contracts.directories import ScheduleDirectory, TeamDirectory
from contracts.settings import AssignmentSettings
from router.directory_publisher import DirectoryPublisher
from router.teams.team_store import TeamStore
from router.teams.teams import default_team
from service_kit.clock import Clock
from service_kit.settings_area import SettingsArea


class NewAccounts:
    """Sets accounts up; done again for a known one it changes nothing."""

    def __init__(
        self,
        assignment: SettingsArea[AssignmentSettings],
        teams: TeamStore,
        team_directory: DirectoryPublisher[TeamDirectory],
        schedule_directory: DirectoryPublisher[ScheduleDirectory],
        clock: Clock,
    ) -> None:
        self._assignment = assignment
        self._teams = teams
        self._team_directory = team_directory
        self._schedule_directory = schedule_directory
        self._clock = clock

    async def set_up(self, account_id: str) -> None:
        """Make what is missing, and publish what was not published."""
        await self._assignment.ensure(account_id)
        await self._teams.insert(default_team(account_id, self._clock.now()))
        await self._team_directory.publish(account_id)
        await self._schedule_directory.publish(account_id)
