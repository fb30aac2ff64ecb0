"""Which time a report covers, and the intervals it is cut into, in the account's time zone (R2). Pure; no I/O."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from reporting.errors import InvalidRange
from reporting.traffic import QUARTER

IntervalName = Literal["hour", "day"]

MAX_INTERVALS = 1_000
_DEFAULT_DAYS = 7
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DATE_CHARACTERS = 10


class IntervalRow(BaseModel):
    """What every row of a report begins with: its interval, as clocks in the report's zone show it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class ReportRange:
    """From `start` until before `end`; `starts` are the beginnings of its intervals, all in UTC.

    The first and the last interval are cut off where the range is.
    """

    start: datetime
    end: datetime
    zone: ZoneInfo
    interval: IntervalName
    starts: tuple[datetime, ...]

    def index_of(self, at: datetime) -> int | None:
        """Which interval a moment lies in, if any."""
        return bisect_right(self.starts, at) - 1 if self.start <= at < self.end else None

    def intervals(self) -> Iterator[tuple[datetime, datetime]]:
        """Beginning and end of each interval, as clocks in the zone show them."""
        ends = (*self.starts[1:], self.end)
        for start, end in zip(self.starts, ends, strict=True):
            yield start.astimezone(self.zone), end.astimezone(self.zone)


def report_range(
    from_: str | None, to: str | None, zone: ZoneInfo, interval: IntervalName, now: datetime
) -> ReportRange:
    """The range that was asked for; without an end: until today's, without a beginning: seven days.

    A date means the whole local day, at either end; a moment is exact to the quarter of an hour, and without an
    offset it is local.

    Raises:
        InvalidRange: not a date or moment, the end is not after the beginning, or there would be too many intervals.
    """
    today = now.astimezone(zone).date()
    end = _day_start(today + timedelta(days=1), zone) if to is None else _end(to, zone)
    if from_ is None:
        start = _day_start(end.astimezone(zone).date() - timedelta(days=_DEFAULT_DAYS), zone)
    else:
        start = _start(from_, zone)
    if end <= start:
        raise InvalidRange("`to` must be after `from`")
    starts = _starts(start, end, zone, interval)
    return ReportRange(start, end, zone, interval, starts)


def _start(text: str, zone: ZoneInfo) -> datetime:
    given = _parsed(text)
    if isinstance(given, datetime):
        return _within_reach(_floor(_aware(given, zone)))
    return _within_reach(_day_start(given, zone))


def _end(text: str, zone: ZoneInfo) -> datetime:
    given = _parsed(text)
    if isinstance(given, datetime):
        moment = _aware(given, zone)
        floor = _floor(moment)
        return _within_reach(floor if floor == moment else floor + QUARTER)
    return _within_reach(_day_start(given + timedelta(days=1), zone))


def _parsed(text: str) -> date | datetime:
    try:
        if len(text) <= _DATE_CHARACTERS:
            given: date | datetime = date.fromisoformat(text)
        else:
            # The + of an offset that was not encoded arrives as a blank.
            given = datetime.fromisoformat(text[:_DATE_CHARACTERS] + text[_DATE_CHARACTERS:].replace(" ", "+"))
    except ValueError as error:
        raise InvalidRange("`from` and `to` are dates (2026-11-21) or moments (2026-11-21T09:00:00Z)") from error
    if not _EARLIEST.year <= given.year < _LATEST.year:
        raise InvalidRange(f"`from` and `to` lie between {_EARLIEST.year} and {_LATEST.year}")
    return given


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _within_reach(moment: datetime) -> datetime:
    return min(max(moment, _EARLIEST), _LATEST)


def _floor(moment: datetime) -> datetime:
    return moment - (moment - _EARLIEST) % QUARTER


def _day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a local day; where the clock skips midnight, that of the skip."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _starts(start: datetime, end: datetime, zone: ZoneInfo, interval: IntervalName) -> tuple[datetime, ...]:
    starts = [start]
    boundaries = _hours(start, zone) if interval == "hour" else _days(start, zone)
    for boundary in boundaries:
        if boundary >= end:
            return tuple(starts)
        if boundary > starts[-1]:
            starts.append(boundary)
        if len(starts) > MAX_INTERVALS:
            break
    raise InvalidRange(f"a report has at most {MAX_INTERVALS} intervals; ask for less time or longer intervals")


def _hours(start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    minutes_past = start.astimezone(zone).minute
    hour = start - timedelta(minutes=minutes_past)
    while True:
        hour += timedelta(hours=1)
        yield hour


def _days(start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = start.astimezone(zone).date()
    while True:
        day += timedelta(days=1)
        yield _day_start(day, zone)
