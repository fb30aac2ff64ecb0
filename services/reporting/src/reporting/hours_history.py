"""Which office hours were valid when, so that a later change does not rewrite history (H1). Pure; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from contracts.directories import ScheduleDirectory
from contracts.envelope import Shape, UtcDatetime
from contracts.schedules import Schedule
from contracts.settings import SettingsChanged
from reporting.errors import HoursUnknown
from service_kit.docstore import CollectionSpec, Document, Index
from service_kit.office_hours import elapsed

HoursArea = Literal["assignment", "schedules"]
"""The areas that together say which hours an account keeps."""

V = TypeVar("V")

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class SettingsVersion(Document):
    """One version of one area, for ever; the id is made of account, area and version."""

    account_id: str
    area: HoursArea
    version: int
    since: UtcDatetime
    value: dict[str, Any]


SETTINGS_VERSIONS = CollectionSpec(
    name="settings_versions",
    model=SettingsVersion,
    indexes=(Index(("account_id",)),),
)


class _Choice(Shape):
    """Which schedule the settings `assignment` name; whatever else they say is not ours, and may grow."""

    schedule_id: str | None = None
    reports_schedule_id: str | None = None

    @property
    def counts_by(self) -> str | None:
        """The schedule that business time is counted by: one for reports alone, else that of assignment."""
        return self.reports_schedule_id or self.schedule_id


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until the next one these hours were kept; None: always open."""

    since: datetime
    schedule: Schedule | None


def settings_version(change: SettingsChanged) -> SettingsVersion | None:
    """What is kept of a change of settings, if anything."""
    if change.area not in ("assignment", "schedules"):
        return None
    return SettingsVersion(
        id=f"{change.account_id}/{change.area}/{change.version}",
        account_id=change.account_id,
        area=change.area,
        version=change.version,
        since=change.time,
        value=change.value,
    )


def periods(versions: Sequence[SettingsVersion]) -> Sequence[Period]:
    """The hours an account kept, oldest first; what was valid first counts for all time before.

    Raises:
        HoursUnknown: not all of it has arrived yet.
    """
    in_order = sorted(versions, key=lambda version: version.version)
    assignments = [
        (version.since, _Choice.model_validate(version.value)) for version in in_order if version.area == "assignment"
    ]
    directories = [
        (version.since, ScheduleDirectory.model_validate(version.value))
        for version in in_order
        if version.area == "schedules"
    ]
    if not assignments:
        raise HoursUnknown("the settings `assignment` have not arrived yet")
    moments = sorted({since for since, _ in (*assignments, *directories)})
    return [
        Period(_ALWAYS if number == 0 else moment, _schedule(assignments, directories, moment))
        for number, moment in enumerate(moments)
    ]


def business_time(kept: Sequence[Period], start: datetime, end: datetime) -> timedelta:
    """How much open time lies between two moments, each part by the hours that were valid then."""
    ends = [period.since for period in kept[1:]] + [_FOR_EVER]
    parts = (
        elapsed(period.schedule, max(start, period.since), min(end, until))
        for period, until in zip(kept, ends, strict=True)
        if period.since < end and start < until
    )
    return sum(parts, timedelta(0))


def _schedule(
    assignments: Sequence[tuple[datetime, _Choice]],
    directories: Sequence[tuple[datetime, ScheduleDirectory]],
    at: datetime,
) -> Schedule | None:
    schedule_id = _valid(assignments, at).counts_by
    if schedule_id is None:
        return None
    named = [
        (since, directory.schedules[schedule_id])
        for since, directory in directories
        if schedule_id in directory.schedules
    ]
    if not named:
        raise HoursUnknown(f"the schedule {schedule_id} has not arrived yet")
    return _valid(named, at)


def _valid(versions: Sequence[tuple[datetime, V]], at: datetime) -> V:
    """The last that began by then; before the first: the first."""
    begun = [value for since, value in versions if since <= at]
    return begun[-1] if begun else versions[0][1]
