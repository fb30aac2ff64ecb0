"""Schedules as they are kept: the one in force, and every version there ever was (H1). Pure; no I/O."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.directories import ScheduleDirectory
from contracts.envelope import UtcDatetime
from contracts.schedules import Schedule, Weekday
from service_kit.docstore import CollectionSpec, Document, Index

SCHEDULES_PER_ACCOUNT = 100

DIRECTORY_BYTES = 500_000
"""The directory of an account must fit one record of the bus, also where two changes cross."""


class StoredSchedule(Document):
    """The version in force; the id is the schedule's."""

    account_id: str
    schedule: Schedule
    in_force_since: UtcDatetime


class ScheduleVersion(Document):
    """One version, for ever: history is computed with the hours that were valid then."""

    account_id: str
    schedule_id: str
    version: int
    schedule: Schedule
    in_force_since: UtcDatetime


SCHEDULES = CollectionSpec(name="schedules", model=StoredSchedule, indexes=(Index(("account_id",)),))
SCHEDULE_VERSIONS = CollectionSpec(
    name="schedule_versions",
    model=ScheduleVersion,
    indexes=(Index(("account_id", "schedule_id", "version")),),
)


def version_of(stored: StoredSchedule) -> ScheduleVersion:
    """The version in force, as it is kept; its id makes keeping it twice keep it once."""
    return ScheduleVersion(
        id=f"{stored.id}/{stored.schedule.version}",
        account_id=stored.account_id,
        schedule_id=stored.id,
        version=stored.schedule.version,
        schedule=stored.schedule,
        in_force_since=stored.in_force_since,
    )


def place_of(schedule: Schedule) -> tuple[str, str]:
    """Where a schedule stands among those of its account: by name."""
    return schedule.name, schedule.id


def directory(schedules: Iterable[StoredSchedule]) -> ScheduleDirectory:
    """What other services need to know."""
    return ScheduleDirectory(schedules={stored.id: stored.schedule for stored in schedules})


def copied_day(schedule: Schedule, *, source: Weekday, to: Iterable[Weekday]) -> Mapping[str, Any]:
    """What changes when other days get the hours of one; of a day without hours they get none."""
    hours = schedule.weekly.get(source, ())
    weekly = {**schedule.weekly, **dict.fromkeys(to, hours)}
    return {"weekly": {day: intervals for day, intervals in weekly.items() if intervals}}
