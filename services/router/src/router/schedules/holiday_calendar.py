"""What an iCalendar file closes, within a window of dates (RFC 5545). Pure, and as slow as its input wants it to be.

The libraries expand whatever a rule says: run it only where it can be killed (`calendar_worker`).
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]  # it has no annotations
from icalendar import Calendar

from router.schedules.calendar_answer import CalendarRefused
from router.schedules.closures import Closure, dates_of

MAX_DATES = 1_000
"""Dates that one calendar may close; also how many occurrences are looked at."""

_REASON_CHARACTERS = 200
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def closures_in(content: bytes, zone: ZoneInfo, first: date, last: date) -> Sequence[Closure]:
    """The closures from `first` to `last`, both counted in, in the wall time of `zone`, each once and in order.

    Every event that is not cancelled closes, also one that blocks nobody's time: calendars of holidays are made of
    these.

    Raises:
        CalendarRefused: it cannot be read, or says too much.
    """
    found: set[Closure] = set()
    dates: set[date] = set()
    for calendar in _calendars(content):
        for closure in _closures(calendar, zone, first, last):
            found.add(closure)
            dates.update(dates_of(closure))
            if len(dates) > MAX_DATES or len(found) > MAX_DATES:
                raise CalendarRefused("calendar_too_long")
    return sorted(found, key=lambda one: (one.start, one.end, one.reason))


def _calendars(content: bytes) -> Sequence[Calendar]:
    try:
        components = Calendar.from_ical(content, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise CalendarRefused("calendar_unreadable") from error
    # The library says that these are calendars; it hands over whatever stands there.
    if not components or any(component.name != "VCALENDAR" for component in components):
        raise CalendarRefused("calendar_unreadable")
    return components


def _closures(calendar: Calendar, zone: ZoneInfo, first: date, last: date) -> Iterator[Closure]:
    if any(_repeats_too_often(event) for event in calendar.walk("VEVENT")):
        raise CalendarRefused("calendar_too_frequent")
    midnight = datetime.combine(first, time.min, tzinfo=zone)
    for event in recurring_ical_events.of(calendar).between(midnight, datetime.combine(last, time.max, tzinfo=zone)):
        closure = _closure(event, zone)
        clipped = _clipped(closure, first, last) if closure else None
        if clipped is not None:
            yield clipped


def _repeats_too_often(event: Any) -> bool:
    rules = event.get("RRULE", [])
    rules = rules if isinstance(rules, list) else [rules]
    return any(str(frequency).upper() in _TOO_OFTEN for rule in rules for frequency in rule.get("FREQ", []))


def _closure(event: Any, zone: ZoneInfo) -> Closure | None:
    """What one occurrence closes."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    reason = " ".join(str(event.get("SUMMARY", "")).split())[:_REASON_CHARACTERS]
    start, end = event.start, event.end
    if not isinstance(start, datetime):
        return Closure(
            datetime.combine(start, time.min), datetime.combine(end, time.min), is_whole_days=True, reason=reason
        )
    began, ended = _wall(start, zone), _wall(end, zone)
    began = began.replace(second=0, microsecond=0)
    floor = ended.replace(second=0, microsecond=0)
    return Closure(began, floor if floor == ended else floor + _MINUTE, is_whole_days=False, reason=reason)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock in `zone` shows; a moment without a zone is meant where the reader is."""
    return (moment.astimezone(zone) if moment.tzinfo else moment).replace(tzinfo=None)


def _clipped(closure: Closure, first: date, last: date) -> Closure | None:
    """The part that lies in the window."""
    start = max(closure.start, datetime.combine(first, time.min))
    end = min(closure.end, datetime.combine(last + _DAY, time.min))
    return Closure(start, end, closure.is_whole_days, closure.reason) if start < end else None
