"""What a calendar closes, as exceptions of a schedule (H1). Pure.

Everything here is said in the wall time of the schedule's zone. A whole day is closed as a dated exception closes it:
nothing opens on that date, and what opened the evening before runs to its end. A closure by the clock is cut out of
the hours to the minute, past midnight too. What a person has set for a date is never touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from contracts.schedules import Interval, Schedule, ScheduleException, Weekday

INTERVALS_PER_DAY = 24

_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_MINUTES = 24 * 60
_REASON_CHARACTERS = 200

Span = tuple[int, int]
"""Minutes from the midnight that a date begins with; they may reach into the next date."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed from `start` until before `end`, naive wall times; `is_whole_days`: from midnight to midnight."""

    start: datetime
    end: datetime
    is_whole_days: bool
    reason: str = ""


class TooFragmented(ValueError):
    """Closures cut one date into more intervals than a schedule may have."""


def with_closures(
    schedule: Schedule, closures: Sequence[Closure], *, since: date, adds: bool
) -> Sequence[ScheduleException]:
    """The exceptions after an import that looked at the dates from `since` on.

    What was imported before for these dates gives way, unless the import `adds` to it: then what is open is what both
    leave open.

    Raises:
        TooFragmented: too many intervals on one date.
    """
    remaining = [one for one in schedule.exceptions if not one.imported or adds or one.date < since]
    by_hand = {one.date for one in remaining if not one.imported}
    hours = _Hours(schedule, {one.date: one.intervals for one in remaining})
    imported = _exceptions(hours, closures, by_hand)
    others = [one for one in remaining if not one.imported or one.date not in imported]
    return sorted([*others, *imported.values()], key=lambda one: one.date)


@dataclass(frozen=True, slots=True)
class _Hours:
    """What opens on a date apart from the closures."""

    schedule: Schedule
    exceptions: Mapping[date, Sequence[Interval]]

    def on(self, day: date) -> list[Span]:
        weekly = self.schedule.weekly.get(_WEEKDAYS[day.weekday()], ())
        return [_span(interval) for interval in self.exceptions.get(day, weekly)]


def _exceptions(hours: _Hours, closures: Sequence[Closure], by_hand: set[date]) -> dict[date, ScheduleException]:
    touching: dict[date, list[Closure]] = {}
    for closure in closures:
        for day in _days_reached(closure):
            touching.setdefault(day, []).append(closure)
    exceptions: dict[date, ScheduleException] = {}
    # What is left of the hours of the date before, where they were cut in two past midnight.
    night: list[Span] = []
    for day in sorted({*touching, *(day + _DAY for day in touching)}):
        before, here = hours.on(day), touching.get(day, ())
        is_closed = any(closure.is_whole_days for closure in here)
        rest = [] if is_closed else before if day in by_hand else _cut(day, before, here)
        opens = [*night, *(span for span in rest if span[0] < _MINUTES)]
        night = [(start - _MINUTES, end - _MINUTES) for start, end in rest if start >= _MINUTES]
        if day not in by_hand and (is_closed or sorted(opens) != sorted(before)):
            exceptions[day] = _exception(day, opens, here)
    return exceptions


def _exception(day: date, spans: Sequence[Span], closures: Iterable[Closure]) -> ScheduleException:
    if len(spans) > INTERVALS_PER_DAY:
        raise TooFragmented(f"{day.isoformat()} would have more than {INTERVALS_PER_DAY} intervals")
    reasons = dict.fromkeys(closure.reason for closure in closures if closure.reason)
    return ScheduleException(
        date=day,
        intervals=tuple(_interval(span) for span in sorted(spans)),
        reason=", ".join(reasons)[:_REASON_CHARACTERS] or None,
        imported=True,
    )


def _cut(day: date, spans: Iterable[Span], closures: Iterable[Closure]) -> list[Span]:
    """What closures leave of the spans of a date."""
    midnight = datetime.combine(day, time.min)
    rest = list(spans)
    for closure in closures:
        start, end = _minutes(closure.start - midnight), _minutes(closure.end - midnight)
        pieces = [piece for span in rest for piece in ((span[0], min(span[1], start)), (max(span[0], end), span[1]))]
        rest = [piece for piece in pieces if piece[0] < piece[1]]
    return rest


def dates_of(closure: Closure) -> list[date]:
    """The dates that a closure touches."""
    first, last = closure.start.date(), (closure.end - timedelta(minutes=1)).date()
    return [first + number * _DAY for number in range((last - first).days + 1)]


def _days_reached(closure: Closure) -> list[date]:
    """The dates whose hours a closure may touch: by the clock also those of the evening before."""
    days = dates_of(closure)
    return days if closure.is_whole_days or not days else [days[0] - _DAY, *days]


def _span(interval: Interval) -> Span:
    opens, closes = (int(clock[:2]) * 60 + int(clock[3:]) for clock in interval)
    return (opens, closes) if closes > opens else (opens, closes + _MINUTES)


def _interval(span: Span) -> Interval:
    opens, closes = span
    return _clock(opens), _clock(closes if closes <= _MINUTES else closes - _MINUTES)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _minutes(duration: timedelta) -> int:
    return duration // timedelta(minutes=1)
