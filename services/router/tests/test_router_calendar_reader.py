"""Calendars that would keep a parser busy for ever cost their own import and nothing else."""

import asyncio
import time
from datetime import date

import pytest

from router.schedules.calendar_answer import CalendarRefused
from router.schedules.calendar_reader import CalendarReader

FIRST, LAST = date(2026, 11, 1), date(2029, 10, 31)


def _calendar(event: str) -> str:
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:1", event, "END:VEVENT")
    return "\r\n".join((*lines, "END:VCALENDAR", ""))


CHRISTMAS = _calendar("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas")
EVERY_SECOND = ",".join(str(number) for number in range(60))
BOMB = _calendar(
    "DTSTART:20200101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=DAILY;BYHOUR="
    + ",".join(str(n) for n in range(24))
    + f";BYMINUTE={EVERY_SECOND};BYSECOND={EVERY_SECOND}"
)
"""Every second of every day, without saying SECONDLY: two hundred million occurrences."""


async def test_a_calendar_is_read_in_a_process_of_its_own() -> None:
    """What it closes comes back whole."""
    (found,) = await CalendarReader().read(CHRISTMAS, "Europe/Paris", FIRST, LAST)

    assert (found.start.date(), found.is_whole_days, found.reason) == (date(2026, 12, 25), True, "Christmas")


async def test_a_bomb_is_ended_while_everything_else_goes_on() -> None:
    """It takes its seconds and no more; meanwhile the event loop is free, and another calendar is read."""
    reader = CalendarReader(seconds=2)
    began = time.monotonic()
    bomb = asyncio.create_task(reader.read(BOMB, "UTC", FIRST, LAST))
    longest = 0.0
    while not bomb.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    took = time.monotonic() - began
    with pytest.raises(CalendarRefused) as refused:
        await bomb
    (after,) = await reader.read(CHRISTMAS, "UTC", FIRST, LAST)

    assert refused.value.code == "calendar_too_complex"
    assert took < 12
    assert longest < 1
    assert after.reason == "Christmas"


async def test_memory_is_limited() -> None:
    """What would take more than there is for one calendar is refused, not swapped."""
    reader = CalendarReader(seconds=20, memory_bytes=96 * 1024 * 1024)

    with pytest.raises(CalendarRefused) as refused:
        await reader.read(BOMB, "UTC", FIRST, LAST)

    assert refused.value.code == "calendar_too_complex"


async def test_many_small_events_are_no_bomb() -> None:
    """A file near the limit on size, all of it honest, is read: only what is closed too often is refused."""
    event = "BEGIN:VEVENT\r\nUID:{0}\r\nDTSTART;VALUE=DATE:2027{1:02d}{2:02d}\r\nSUMMARY:Day {0}\r\nEND:VEVENT"
    events = [event.format(number, number % 12 + 1, number % 28 + 1) for number in range(300)]
    content = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *events, "END:VCALENDAR", ""))

    found = await CalendarReader().read(content, "UTC", FIRST, LAST)

    assert len(found) == 300
