"""What iCalendar files close within a window of dates (H1)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from router.schedules.calendar_answer import CalendarRefused
from router.schedules.closures import Closure
from router.schedules.holiday_calendar import MAX_DATES, closures_in

FIRST, LAST = date(2026, 11, 1), date(2029, 10, 31)
PARIS = ZoneInfo("Europe/Paris")
TIMED = "2026-12-24T{}:00"


def _calendar(*events: str) -> bytes:
    bodies = [
        f"BEGIN:VEVENT\r\nUID:{number}@acme.example\r\n{event}\r\nEND:VEVENT" for number, event in enumerate(events)
    ]
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *bodies, "END:VCALENDAR", "")
    return "\r\n".join(lines).encode()


def _closures(*events: str) -> list[Closure]:
    return list(closures_in(_calendar(*events), PARIS, FIRST, LAST))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_all_day_events_close_days_also_those_that_block_nobodys_time() -> None:
    """Public calendars mark holidays as transparent; without an end an event is one day, with one it excludes it."""
    found = _closures(
        "DTSTART;VALUE=DATE:20261225\r\nTRANSP:TRANSPARENT\r\nSUMMARY:Christmas  Day",
        "DTSTART;VALUE=DATE:20261228\r\nDTEND;VALUE=DATE:20270102\r\nSUMMARY:Between",
        "DTSTART;VALUE=DATE:20261226\r\nSTATUS:CANCELLED\r\nSUMMARY:Never mind",
    )

    assert found == [
        Closure(_at("2026-12-25"), _at("2026-12-26"), is_whole_days=True, reason="Christmas Day"),
        Closure(_at("2026-12-28"), _at("2027-01-02"), is_whole_days=True, reason="Between"),
    ]


@pytest.mark.parametrize(
    "times",
    [
        "DTSTART:20261224T120000Z\r\nDTEND:20261224T170000Z",
        "DTSTART;TZID=Europe/Paris:20261224T130000\r\nDTEND;TZID=Europe/Paris:20261224T180000",
        "DTSTART;TZID=America/New_York:20261224T070000\r\nDURATION:PT5H",
        "DTSTART:20261224T130000\r\nDTEND:20261224T180000",
        "DTSTART:20261224T120030Z\r\nDTEND:20261224T165930Z",
    ],
    ids=["utc", "local", "new-york", "floating", "seconds"],
)
def test_times_are_those_of_the_schedules_zone(times: str) -> None:
    """Whatever zone an event is written in; seconds close the whole minute."""

    assert _closures(times) == [Closure(_at(TIMED.format("13")), _at(TIMED.format("18")), is_whole_days=False)]


def test_recurrences_are_expanded_within_the_window_only() -> None:
    """Every Christmas since 1990, for ever, with an exception and one moved: three of them are in the window."""
    found = _closures(
        "DTSTART;VALUE=DATE:19901225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christmas",
        "DTSTART;VALUE=DATE:20270501\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20280501\r\nSUMMARY:Labour Day",
    )

    assert [closure.start.date().isoformat() for closure in found] == [
        "2026-12-25",
        "2027-05-01",
        "2027-12-25",
        "2028-12-25",
        "2029-05-01",
    ]


def test_what_reaches_beyond_the_window_is_cut_off() -> None:
    """An event that began before, or ends after it, closes its part."""
    (found,) = _closures("DTSTART;VALUE=DATE:20261025\r\nDTEND;VALUE=DATE:20261103")

    assert (found.start, found.end) == (_at("2026-11-01"), _at("2026-11-03"))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "calendar_unreadable"),
        (b"hello", "calendar_unreadable"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "calendar_unreadable"),
        (b"BEGIN:VEVENT\r\nDTSTART:20261224T120000Z\r\nEND:VEVENT\r\n", "calendar_unreadable"),
        (_calendar("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY"), "calendar_too_long"),
        (_calendar("DTSTART;VALUE=DATE:19000101\r\nDTEND;VALUE=DATE:21000101"), "calendar_too_long"),
        (_calendar("DTSTART:20261225T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY"), "calendar_too_frequent"),
        (_calendar("DTSTART:20261225T000000Z\r\nRRULE:FREQ=HOURLY;COUNT=2"), "calendar_too_frequent"),
    ],
    ids=["empty", "no-calendar", "cut-off", "bare-event", "every-day", "two-centuries", "every-second", "every-hour"],
)
def test_what_cannot_be_used_is_refused_with_a_reason(content: bytes, code: str) -> None:
    """Nothing is guessed, and nothing is cut off silently."""
    with pytest.raises(CalendarRefused) as refused:
        closures_in(content, PARIS, FIRST, LAST)

    assert refused.value.code == code


def test_as_many_dates_as_fit_are_taken() -> None:
    """The limit is on dates, and they are really closed."""
    found = _closures(f"DTSTART;VALUE=DATE:20261101\r\nRRULE:FREQ=DAILY;COUNT={MAX_DATES}")

    assert len(found) == MAX_DATES
