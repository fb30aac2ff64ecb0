"""The moments that "later today", "tomorrow" and "next week" stand for, where the company is (L2). Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

SnoozePreset = Literal["later_today", "tomorrow", "next_week"]
"""Public contract."""

_MORNING = time(9)
_LATER = timedelta(hours=3)
_DAYS_OF_WEEK = 7


def snoozed_until(preset: SnoozePreset, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Always later than `now`.

    Later today is in three hours, rounded up to the hour; or tomorrow morning, when the day has ended by then. Tomorrow
    is the next morning at nine, next week that of the next Monday.
    """
    today = now.astimezone(zone).date()
    match preset:
        case "later_today":
            later = _next_hour(now + _LATER, zone)
            return later if later.astimezone(zone).date() == today else _morning(today + timedelta(days=1), zone)
        case "tomorrow":
            return _morning(today + timedelta(days=1), zone)
        case "next_week":
            return _morning(today + timedelta(days=_DAYS_OF_WEEK - today.weekday()), zone)
        case _:
            assert_never(preset)


def _morning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, _MORNING, zone).astimezone(UTC)


def _next_hour(at: datetime, zone: ZoneInfo) -> datetime:
    """Some zones are off by half an hour: the hour is that of their clocks."""
    minutes = timedelta(minutes=at.astimezone(zone).minute, seconds=at.second, microseconds=at.microsecond)
    return (at - minutes + timedelta(hours=1) if minutes else at).astimezone(UTC)
