"""Holidays of an iCalendar file become exceptions of a schedule (H1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contracts.schedules import Schedule
from router.problems import calendar_refused, changed_meanwhile
from router.schedules.calendar_answer import CalendarRefused
from router.schedules.calendar_reader import CalendarReader
from router.schedules.closures import Closure, TooFragmented, dates_of, with_closures
from router.schedules.schedule_workflow import ScheduleWorkflow
from service_kit.clock import Clock

_BACK = timedelta(days=31)
_AHEAD = timedelta(days=3 * 366)
_EXCEPTIONS_PER_SCHEDULE = 2_000


@dataclass(frozen=True, slots=True)
class ImportedCalendar:
    """The schedule after an import; `dates` a calendar says something of, `kept` are as a person had set them."""

    schedule: Schedule
    dates: int
    kept: int


class CalendarImport:
    """Imports calendars into schedules, for a month back and three years ahead."""

    def __init__(self, schedules: ScheduleWorkflow, reader: CalendarReader, clock: Clock) -> None:
        self._schedules = schedules
        self._reader = reader
        self._clock = clock

    async def into(self, account_id: str, schedule_id: str, content: str, *, adds: bool) -> ImportedCalendar:
        """Replace what was imported before, or add to it; the outcome is a new version.

        Raises:
            Problem: 404, 409 `conflict`, 422 of a calendar that cannot be used.
            ReaderUnavailable: nobody could read it now.
        """
        read_for = (await self._schedules.find(account_id, schedule_id)).schedule
        first, last = self._window(read_for)
        try:
            closures = await self._reader.read(content, read_for.zone, first, last)
        except CalendarRefused as error:
            raise calendar_refused(error.code) from error

        def changes(before: Schedule) -> Mapping[str, Any]:
            if before.zone != read_for.zone:
                raise changed_meanwhile()
            return {"exceptions": _exceptions(before, closures, since=first, adds=adds)}

        return _counted(await self._schedules.revise(account_id, schedule_id, changes), closures, since=first)

    def _window(self, schedule: Schedule) -> tuple[date, date]:
        today = self._clock.now().astimezone(ZoneInfo(schedule.zone)).date()
        return today - _BACK, today + _AHEAD


def _exceptions(before: Schedule, closures: Sequence[Closure], *, since: date, adds: bool) -> Sequence[dict[str, Any]]:
    try:
        exceptions = with_closures(before, closures, since=since, adds=adds)
    except TooFragmented as error:
        raise calendar_refused("calendar_too_fragmented") from error
    if len(exceptions) > _EXCEPTIONS_PER_SCHEDULE:
        raise calendar_refused("calendar_too_long")
    return [exception.model_dump() for exception in exceptions]


def _counted(after: Schedule, closures: Sequence[Closure], *, since: date) -> ImportedCalendar:
    named = {day for closure in closures for day in dates_of(closure)}
    by_hand = {one.date for one in after.exceptions if not one.imported}
    dates = sum(one.imported and one.date >= since for one in after.exceptions)
    return ImportedCalendar(after, dates, len(named & by_hand))
