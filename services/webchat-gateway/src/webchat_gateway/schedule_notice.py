"""Tells the owner of chat settings that the schedule they name is gone.

The router keeps a schedule that settings follow; but a patch that names one and its removal may cross. What happens to
chats then is what happens without a schedule: office hours are not spoken of (W3).
"""

import asyncio
from collections.abc import Sequence

from contracts.directories import ScheduleDirectory
from contracts.settings import ChatSettings
from service_kit.settings_api import SettingsWarning
from service_kit.settings_copies import SettingsCopies, SettingsMissing

UNKNOWN_SCHEDULE = SettingsWarning(
    field="schedule_id",
    code="unknown_schedule",
    detail="There is no schedule of this id (any more): until you choose another, chats are not told office hours.",
)

_LOOKS = 5
_LOOK_AGAIN_SECONDS = 0.1


class ScheduleNotice:
    """Looks into the copy of the account's schedules."""

    def __init__(self, copies: SettingsCopies) -> None:
        self._copies = copies

    async def of(self, account_id: str, settings: ChatSettings) -> Sequence[SettingsWarning]:
        """What is to be said; nothing while the schedules of the account are not known here."""
        if settings.schedule_id is None:
            return ()
        try:
            return () if await self._is_known(account_id, settings.schedule_id) else (UNKNOWN_SCHEDULE,)
        except SettingsMissing:
            return ()

    async def _is_known(self, account_id: str, schedule_id: str) -> bool:
        """Whether there is one; a schedule that was made just before may still be on its way here."""
        for look in range(_LOOKS):
            await asyncio.sleep(_LOOK_AGAIN_SECONDS if look else 0)
            directory = await self._copies.get(account_id, "schedules", ScheduleDirectory, fresh=True)
            if schedule_id in directory.schedules:
                return True
        return False
