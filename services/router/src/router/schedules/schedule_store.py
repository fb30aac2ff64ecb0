"""Every query for schedules."""

from collections.abc import Sequence

from contracts.directories import ScheduleDirectory
from router.schedules.schedules import (
    SCHEDULE_VERSIONS,
    SCHEDULES,
    ScheduleVersion,
    StoredSchedule,
    directory,
    version_of,
)
from service_kit.docstore import All, DocStore, Eq, Fate, Page, Sort
from service_kit.docstore.every_page import every


class ScheduleStore:
    """Schedules and their versions in the document store. Every read names the account."""

    def __init__(self, store: DocStore) -> None:
        self._schedules = store.collection(SCHEDULES)
        self._versions = store.collection(SCHEDULE_VERSIONS)

    async def find(self, account_id: str, schedule_id: str) -> StoredSchedule | None:
        """One schedule of this account, in force."""
        stored = await self._schedules.get(schedule_id)
        return stored if stored is not None and stored.account_id == account_id else None

    async def of_account(self, account_id: str) -> Sequence[StoredSchedule]:
        """All schedules of an account."""
        return await every(self._schedules, Eq("account_id", account_id))

    async def directory(self, account_id: str) -> ScheduleDirectory:
        """What other services need to know; what they are told is kept as a version first."""
        schedules = await self.of_account(account_id)
        await self.keep_versions(schedules)
        return directory(schedules)

    async def versions(
        self, account_id: str, schedule_id: str, *, limit: int, cursor: str | None
    ) -> Page[ScheduleVersion]:
        """All versions of one schedule, newest first, also of one that was removed."""
        about = All(Eq("account_id", account_id), Eq("schedule_id", schedule_id))
        return await self._versions.find(about, sort=Sort("version", descending=True), limit=limit, cursor=cursor)

    async def keep_versions(self, schedules: Sequence[StoredSchedule]) -> None:
        """Keep the versions in force for ever; those kept already stay."""
        if schedules:
            await self._versions.insert_many([version_of(stored) for stored in schedules])

    async def insert(self, stored: StoredSchedule) -> Fate:
        """Add one."""
        return (await self._schedules.insert_many([stored]))[0]

    async def replace(self, stored: StoredSchedule) -> Fate:
        """Change one."""
        return (await self._schedules.replace_many([stored]))[0]

    async def delete(self, stored: StoredSchedule) -> Fate:
        """Remove one; its versions stay."""
        return (await self._schedules.delete_many([stored]))[0]
