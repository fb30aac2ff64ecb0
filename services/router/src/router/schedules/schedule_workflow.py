"""Schedules are made, changed and removed; every version is kept, and everybody is told (H1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contracts.directories import ScheduleDirectory
from contracts.ids import new_id
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from router.directory_publisher import DirectoryPublisher
from router.problems import changed_meanwhile, schedule_in_use, too_large, too_many, unknown_schedule
from router.schedules.schedule_store import ScheduleStore
from router.schedules.schedule_use import ScheduleUse
from router.schedules.schedules import DIRECTORY_BYTES, SCHEDULES_PER_ACCOUNT, StoredSchedule, directory, place_of
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import Fate
from service_kit.http.problems import not_found
from service_kit.settings_api import SettingsWarning

_ATTEMPTS = 8


class ScheduleWorkflow:
    """Schedules of every account. Each method returns when the directory of schedules is published."""

    def __init__(
        self,
        store: ScheduleStore,
        directory_publisher: DirectoryPublisher[ScheduleDirectory],
        use: ScheduleUse,
        clock: Clock,
    ) -> None:
        self._store = store
        self._use = use
        self._clock = clock
        self._directory = directory_publisher

    async def create(self, account_id: str, given: dict[str, Any]) -> Schedule:
        """Add a schedule.

        Raises:
            Problem: 409 `limit_reached`, 422 `too_large`.
        """
        schedule = Schedule(id=new_id("sch"), **given)
        others = await self._store.of_account(account_id)
        if len(others) >= SCHEDULES_PER_ACCOUNT:
            raise too_many("schedules", SCHEDULES_PER_ACCOUNT)
        stored = self._stored(account_id, schedule)
        _check_size(stored, others)
        await self._store.insert(stored)
        crash_point("router.schedule_saved")
        await self._directory.publish(account_id)
        return schedule

    async def change(self, account_id: str, schedule_id: str, given: dict[str, Any]) -> Schedule:
        """Change what is given; the outcome is a new version.

        Raises:
            Problem: 404, 409 `conflict`, 422 `too_large`.
        """
        return await self.revise(account_id, schedule_id, lambda _: given)

    async def revise(
        self, account_id: str, schedule_id: str, changes: Callable[[Schedule], Mapping[str, Any]]
    ) -> Schedule:
        """Change what follows from the version in force; the outcome is a new version.

        Raises:
            Problem: 404, 409 `conflict`, 422 `too_large`, and what `changes` raises.
        """
        for _ in range(_ATTEMPTS):
            before = await self.find(account_id, schedule_id)
            # The version that goes out of force must be kept before it is overwritten; a crash may have prevented it.
            await self._store.keep_versions([before])
            given = {**changes(before.schedule), "version": before.schedule.version + 1}
            schedule = Schedule.model_validate({**before.schedule.model_dump(), **given})
            after = self._stored(account_id, schedule).model_copy(update={"rev": before.rev})
            _check_size(after, await self._store.of_account(account_id))
            if await self._store.replace(after) is Fate.DONE:
                crash_point("router.schedule_saved")
                await self._directory.publish(account_id)
                return schedule
        raise changed_meanwhile()

    async def remove(self, account_id: str, schedule_id: str) -> None:
        """Remove a schedule that no settings follow.

        Raises:
            Problem: 404, 409 `schedule_in_use` or `conflict`.
        """
        for _ in range(_ATTEMPTS):
            stored = await self.find(account_id, schedule_id)
            if following := await self._use.following(account_id, schedule_id):
                raise schedule_in_use(following)
            await self._store.keep_versions([stored])
            if await self._store.delete(stored) is Fate.DONE:
                await self._directory.publish(account_id)
                return
        raise changed_meanwhile()

    async def find(self, account_id: str, schedule_id: str) -> StoredSchedule:
        """One schedule.

        Raises:
            Problem: 404.
        """
        stored = await self._store.find(account_id, schedule_id)
        if stored is None:
            raise not_found("schedule")
        return stored

    async def of_account(self, account_id: str) -> Sequence[Schedule]:
        """All schedules by name."""
        return sorted((stored.schedule for stored in await self._store.of_account(account_id)), key=place_of)

    def _stored(self, account_id: str, schedule: Schedule) -> StoredSchedule:
        return StoredSchedule(
            id=schedule.id, account_id=account_id, schedule=schedule, in_force_since=self._clock.now()
        )


async def check_schedule(
    store: ScheduleStore, account_id: str, before: AssignmentSettings, after: AssignmentSettings
) -> None:
    """Refuse assignment settings that name a schedule which the account does not have.

    Raises:
        Problem: 422 `unknown_schedule`.
    """
    for wanted in _named(after) - _named(before):
        if await store.find(account_id, wanted) is None:
            raise unknown_schedule()


async def warn_of_schedules(
    store: ScheduleStore, account_id: str, settings: AssignmentSettings
) -> Sequence[SettingsWarning]:
    """Of what assignment settings follow, the schedules that are gone: removed while they were being named."""
    gone = {wanted for wanted in _named(settings) if await store.find(account_id, wanted) is None}
    detail = "There is no schedule of this id (any more): until you choose another, it counts as always open."
    return [
        SettingsWarning(field=field, code="unknown_schedule", detail=detail)
        for field in ("schedule_id", "reports_schedule_id")
        if getattr(settings, field) in gone
    ]


def _named(settings: AssignmentSettings) -> set[str]:
    """The schedules that settings follow."""
    return {one for one in (settings.schedule_id, settings.reports_schedule_id) if one is not None}


def _check_size(stored: StoredSchedule, others: Sequence[StoredSchedule]) -> None:
    everything = directory([stored, *(other for other in others if other.id != stored.id)])
    if len(everything.model_dump_json().encode()) > DIRECTORY_BYTES:
        raise too_large("schedules", DIRECTORY_BYTES)
