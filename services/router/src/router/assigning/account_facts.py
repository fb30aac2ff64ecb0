"""Reads what an account looks like now, for the decision to be made about it."""

import structlog

from contracts.directories import AgentDirectory
from contracts.people import Role
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from router.assigning.appraisal import AccountFacts
from router.availability.agent_limits_store import AgentLimitsStore
from router.availability.availability_store import AvailabilityStore
from router.contact_copies import ContactCopies
from router.schedules.schedule_store import ScheduleStore
from router.teams.team_store import TeamStore
from service_kit.auth import ROLE_PERMISSIONS, Permission
from service_kit.errors import TransientError
from service_kit.http.problems import Problem
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies

ANSWERING_ROLES: frozenset[Role] = frozenset(
    role for role, permissions in ROLE_PERMISSIONS.items() if Permission.TICKETS_WRITE in permissions
)
"""Whoever may not write to a ticket is never given one."""

logger = structlog.get_logger()


class AccountUnknown(TransientError):
    """Events of an account overtook its settings; nobody can be assigned before they are here."""


class AccountFactsReader:
    """Gathers the facts. Nothing is cached here: a wake must find what it was sent for."""

    def __init__(
        self,
        settings: SettingsArea[AssignmentSettings],
        teams: TeamStore,
        schedules: ScheduleStore,
        availability: AvailabilityStore,
        limits: AgentLimitsStore,
        contacts: ContactCopies,
        copies: SettingsCopies,
    ) -> None:
        self._settings = settings
        self._teams = teams
        self._schedules = schedules
        self._availability = availability
        self._limits = limits
        self._contacts = contacts
        self._copies = copies

    async def read(self, account_id: str, contact_ids: frozenset[str]) -> AccountFacts:
        """The facts, with the segments of these contacts, if segments lead to any team.

        Raises:
            TransientError: the account is not fully known here yet.
        """
        settings = await self._settings_of(account_id)
        teams = await self._teams.of_account(account_id)
        if not any(team.is_default for team in teams):
            raise AccountUnknown(f"account {account_id} has no default team yet")
        agents = await self._copies.get(account_id, "agents", AgentDirectory, fresh=True)
        leads = any(team.segments for team in teams)
        return AccountFacts(
            settings=settings,
            schedule=await self._schedule(account_id, settings.schedule_id),
            teams=teams,
            agents=tuple(agents.agents.values()),
            online=await self._availability.online(account_id),
            answering_roles=ANSWERING_ROLES,
            segments=await self._contacts.segments(account_id, contact_ids if leads else ()),
            limits=await self._limits.of_account(account_id),
        )

    async def _settings_of(self, account_id: str) -> AssignmentSettings:
        try:
            return await self._settings.get(account_id)
        except Problem as problem:
            raise AccountUnknown(f"account {account_id} has no assignment settings yet") from problem

    async def _schedule(self, account_id: str, schedule_id: str | None) -> Schedule | None:
        if schedule_id is None:
            return None
        stored = await self._schedules.find(account_id, schedule_id)
        if stored is None:
            # Removing a schedule in use is refused; two requests at the same moment can still do it.
            logger.warning("schedule_missing", account_id=account_id, schedule_id=schedule_id)
        return stored.schedule if stored else None
