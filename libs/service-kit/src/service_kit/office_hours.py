"""What a schedule means (H2). Pure: moments in, moments out, always UTC.

An interval of a local date runs from the first moment at which the clock on the wall shows its opening time or
later, until the last moment at which it shows less than its closing time. So a time that a change of the clock
skips is the change itself, what happens twice is open from its first opening to its last closing, and whole days
have no hole.
An exception replaces what opens on its date; what opened the day before still runs past midnight.
No schedule (None) is always open, an empty one never.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from contracts.schedules import Schedule, Weekday

_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_END_OF_DAY = "24:00"
_SEARCH_DAYS = 400
"""Whoever looks for an opening gives up after so many days without one."""
_REACH_DAYS = 2
"""A stretch around a moment opened at most so many local dates before: yesterday's past-midnight interval, and
one more date for a clock that was put back over midnight."""
_SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Between these a moment can be converted to any zone without leaving the calendar."""

Stretch = tuple[datetime, datetime]


def is_open(schedule: Schedule | None, at: datetime) -> bool:
    """Whether `at` lies within the hours; the moment of closing does not."""
    if schedule is None:
        return True
    at = _utc(at)
    stretch = _first_ending_after(schedule, at)
    return stretch is not None and stretch[0] <= at


def next_open(schedule: Schedule | None, at: datetime) -> datetime | None:
    """The first open moment from `at` on (`at` itself when open); None if there is none within 400 days."""
    at = _utc(at)
    if schedule is None:
        return at
    stretch = _first_ending_after(schedule, at)
    return None if stretch is None else max(at, stretch[0])


def next_change(schedule: Schedule | None, at: datetime) -> datetime | None:
    """The first moment after `at` at which open becomes closed or closed open; None if not within 400 days."""
    at = _utc(at)
    if schedule is None:
        return None
    closes: datetime | None = None
    for begin, end in _stretches(schedule, at):
        if end <= at:
            continue
        if begin > at and closes is None:
            return begin
        if closes is not None and begin > closes:
            return closes
        closes = end
        if closes > at + timedelta(days=_SEARCH_DAYS):
            return None
    return closes


def elapsed(schedule: Schedule | None, start: datetime, end: datetime) -> timedelta:
    """How much open time lies between two moments; none if `end` is not after `start`."""
    start, end = _utc(start), _utc(end)
    if end <= start:
        return timedelta(0)
    if schedule is None:
        return end - start
    total = timedelta(0)
    for begin, until in _stretches(schedule, start, last=end):
        total += max(timedelta(0), min(end, until) - max(start, begin))
    return total


def add(schedule: Schedule | None, start: datetime, duration: timedelta) -> datetime | None:
    """The earliest moment with `duration` of open time since `start`; None if 400 days pass without an opening.

    None too where the calendar ends before.

    Raises:
        ValueError: the duration is negative.
    """
    start = _utc(start)
    if duration < timedelta(0):
        raise ValueError("a duration must not be negative")
    if schedule is None or not duration:
        return start + duration if duration <= _LATEST - start else None
    remaining = duration
    for begin, end in _stretches(schedule, start):
        counted_from = max(start, begin)
        if end - counted_from >= remaining:
            return counted_from + remaining
        remaining -= max(timedelta(0), end - counted_from)
    return None


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("office hours are asked about aware moments only")
    return at.astimezone(UTC)


def _first_ending_after(schedule: Schedule, at: datetime) -> Stretch | None:
    return next((stretch for stretch in _stretches(schedule, at) if stretch[1] > at), None)


def _stretches(schedule: Schedule, since: datetime, *, last: datetime | None = None) -> Iterator[Stretch]:
    """Open time in order and without overlap (stretches may touch), beginning with all that reaches past `since`.

    Ends with what opened before `last`, or else after 400 dates on which nothing opens.
    """
    zone = ZoneInfo(schedule.zone)
    exceptions = {exception.date: exception.intervals for exception in schedule.exceptions}
    covered = datetime.min.replace(tzinfo=UTC)
    idle_days = 0
    for day in _days_from(min(max(since, _EARLIEST), _LATEST).astimezone(zone).date()):
        intervals = _intervals(schedule, exceptions, day)
        idle_days = 0 if intervals else idle_days + 1
        if last is None and idle_days > _SEARCH_DAYS + _REACH_DAYS:
            return
        if last is not None and _opening(day, "00:00", zone) >= last:
            return
        for opens, closes in sorted(intervals):
            last_day = day if closes > opens else day + timedelta(days=1)
            begin = max(covered, _opening(day, opens, zone))
            end = _closing(last_day, closes, zone)
            if begin < end:
                covered = end
                yield begin, end


def _days_from(day: date) -> Iterator[date]:
    """Every date that may matter from `day` on, short of the end of the calendar."""
    for ordinal in range(day.toordinal() - _REACH_DAYS, date.max.toordinal() - _REACH_DAYS):
        yield date.fromordinal(ordinal)


def _intervals(
    schedule: Schedule, exceptions: Mapping[date, Sequence[tuple[str, str]]], day: date
) -> Sequence[tuple[str, str]]:
    """What opens on a local date; of several exceptions for one date the last counts."""
    if day in exceptions:
        return exceptions[day]
    return schedule.weekly.get(_WEEKDAYS[day.weekday()], ())


def _opening(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall clock shows `clock` of `day` or later."""
    return _moment(_wall_time(day, clock), zone, fold=0)


def _closing(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """The end of the last moment at which the wall clock shows less than `clock` of `day`."""
    wall = _wall_time(day, clock)
    moment = _moment(wall, zone, fold=1)
    if _wall(moment - _INSTANT, zone) < wall:
        return moment
    # The clock was put back to exactly this time: after showing it first it never showed less again.
    return _moment(wall, zone, fold=0)


def _wall_time(day: date, clock: str) -> datetime:
    if clock == _END_OF_DAY:
        day, clock = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(clock))


def _moment(wall: datetime, zone: ZoneInfo, *, fold: Literal[0, 1]) -> datetime:
    """When the wall clock shows `wall`: for the first (0) or the second time (1), if it does so twice."""
    moment = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    return moment if _wall(moment, zone) == wall else _change_over(wall, zone)


def _change_over(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the clock was put forward over `wall`.

    With fold 1 a skipped time is read with the offset after the change, which lands before it; with fold 0 after it.
    """
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (before, middle) if _wall(middle, zone) >= wall else (middle, after)
    return after


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
