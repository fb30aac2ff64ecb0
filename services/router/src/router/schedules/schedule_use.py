"""Which settings follow a schedule: those of assignment, which are the router's own, and those of chat."""

from collections.abc import Sequence

from contracts.settings import AssignmentSettings, ChatSettings
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies


class ScheduleUse:
    """Looks through an account's settings."""

    def __init__(self, assignment: SettingsArea[AssignmentSettings], copies: SettingsCopies) -> None:
        self._assignment = assignment
        self._copies = copies

    async def following(self, account_id: str, schedule_id: str) -> Sequence[str]:
        """The settings that name a schedule, as `area.field`.

        Raises:
            SettingsMissing: the settings of chat have not arrived; nobody can say.
        """
        assignment = await self._assignment.get(account_id)
        chat = await self._copies.get(account_id, "chat", ChatSettings, fresh=True)
        named = {
            "assignment.schedule_id": assignment.schedule_id,
            "assignment.reports_schedule_id": assignment.reports_schedule_id,
            "chat.schedule_id": chat.schedule_id,
        }
        return [place for place, named_id in named.items() if named_id == schedule_id]
