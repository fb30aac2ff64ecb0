"""Office hours as data (H1). What they mean is computed by `service_kit.office_hours`."""

import re
from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from contracts.envelope import Shape

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown IANA time zone: {value!r}") from error
    return value


def _interval(value: tuple[str, str]) -> tuple[str, str]:
    opens, closes = value
    if not _CLOCK.match(opens) or not _CLOCK.match(closes) or opens == "24:00":
        raise ValueError("an interval is two local times as HH:MM, such as 09:00 and 17:30; 24:00 ends a day")
    if opens == closes:
        raise ValueError("an interval must not be empty; a whole day is 00:00 to 24:00")
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone name."""

Interval = Annotated[tuple[str, str], AfterValidator(_interval)]
"""Local opening and closing time; closing at or before opening means the next day."""


class ScheduleException(Shape):
    """Other hours on one local date; no interval: closed all day. `imported`: a calendar says so, not a person."""

    date: date
    intervals: Annotated[tuple[Interval, ...], Field(max_length=24)] = ()
    reason: str | None = Field(default=None, max_length=200)
    imported: bool = False


class Schedule(Shape):
    """Office hours in one zone. No interval at all: always closed. `version` rises with each change."""

    id: str
    name: str
    zone: Zone
    weekly: dict[Weekday, tuple[Interval, ...]] = Field(default_factory=dict)
    exceptions: tuple[ScheduleException, ...] = Field(default=(), max_length=2000)
    version: int = 1
