"""What a calendar closes becomes exceptions of a schedule, exact to the minute (H1)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.schedules import Schedule
from router.schedules.closures import Closure, TooFragmented, with_closures
from service_kit.office_hours import is_open

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
WEEKLY = {"fri": [["09:00", "12:00"], ["13:00", "17:00"], ["22:00", "06:00"]], "sat": [["10:00", "14:00"]]}


def _schedule(*exceptions: dict[str, Any], **fields: Any) -> Schedule:
    known = {"id": "sch", "name": "Office", "zone": "UTC", "weekly": WEEKLY, "exceptions": exceptions}
    return Schedule.model_validate(known | fields)


def _by_clock(start: str, end: str, reason: str = "") -> Closure:
    return Closure(datetime.fromisoformat(start), datetime.fromisoformat(end), is_whole_days=False, reason=reason)


def _whole(first: date, days: int = 1, reason: str = "Holiday") -> Closure:
    midnight = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - a wall time has no zone
    return Closure(midnight, midnight + timedelta(days=days), is_whole_days=True, reason=reason)


def _hours(schedule: Schedule, *closures: Closure, adds: bool = False) -> dict[date, list[str]]:
    """The exceptions by date, as 09:00-12:00."""
    found = with_closures(schedule, closures, since=date(2026, 11, 1), adds=adds)
    return {one.date: ["-".join(interval) for interval in one.intervals] for one in found}


@pytest.mark.parametrize(
    ("closure", "expected"),
    [
        (_whole(FRIDAY), {FRIDAY: []}),
        (_whole(FRIDAY, 2), {FRIDAY: [], SATURDAY: []}),
        (_by_clock("2026-11-20T11:00", "2026-11-20T14:00"), {FRIDAY: ["09:00-11:00", "14:00-17:00", "22:00-06:00"]}),
        (_by_clock("2026-11-20T12:00", "2026-11-20T13:00"), {}),
        (
            _by_clock("2026-11-20T23:00", "2026-11-21T01:00"),
            {
                FRIDAY: ["09:00-12:00", "13:00-17:00", "22:00-23:00"],
                SATURDAY: ["01:00-06:00", "10:00-14:00"],
            },
        ),
        (
            _by_clock("2026-11-21T05:00", "2026-11-21T11:00"),
            {FRIDAY: ["09:00-12:00", "13:00-17:00", "22:00-05:00"], SATURDAY: ["11:00-14:00"]},
        ),
        (
            _by_clock("2026-11-20T22:00", "2026-11-21T00:00"),
            {FRIDAY: ["09:00-12:00", "13:00-17:00"], SATURDAY: ["00:00-06:00", "10:00-14:00"]},
        ),
    ],
    ids=["day", "two-days", "around-noon", "closed-anyway", "cuts-the-night", "end-of-the-night", "until-midnight"],
)
def test_a_closure_is_cut_out_of_the_hours(closure: Closure, expected: dict[date, list[str]]) -> None:
    """A whole day closes what opens on it; an afternoon, or an hour of the night shift, only itself."""

    assert _hours(_schedule(), closure) == expected


def test_what_a_person_set_for_a_date_stays() -> None:
    """Christmas with an emergency service is not closed by a calendar, nor is the rest of that night."""
    by_hand = {"date": FRIDAY.isoformat(), "intervals": [["20:00", "04:00"]], "reason": "Emergencies"}

    found = _hours(_schedule(by_hand), _whole(FRIDAY), _by_clock("2026-11-20T23:00", "2026-11-21T01:00"))

    assert found == {FRIDAY: ["20:00-04:00"]}


def test_importing_again_changes_nothing_and_another_calendar_takes_its_place() -> None:
    """What an import says of these dates is all that imports say of them; older dates stay as history."""
    old = {"date": "2025-12-25", "imported": True}
    first = with_closures(_schedule(old), [_whole(FRIDAY)], since=date(2026, 11, 1), adds=False)
    again = with_closures(
        _schedule(*(one.model_dump() for one in first)), [_whole(FRIDAY)], since=date(2026, 11, 1), adds=False
    )
    other = _hours(_schedule(*(one.model_dump() for one in first)), _whole(SATURDAY))

    assert first == again
    assert other == {date(2025, 12, 25): [], SATURDAY: []}


def test_two_calendars_together_close_what_either_closes() -> None:
    """Added to the other, neither reopens anything, in whatever order."""
    afternoon, day = _by_clock("2026-11-20T13:00", "2026-11-21T06:00"), _whole(SATURDAY)
    by_first = with_closures(_schedule(), [afternoon], since=date(2026, 11, 1), adds=True)
    by_both = _hours(_schedule(*(one.model_dump() for one in by_first)), day, adds=True)

    assert by_both == {FRIDAY: ["09:00-12:00"], SATURDAY: []}


def test_a_day_in_too_many_pieces_is_refused() -> None:
    """A schedule has at most two dozen intervals a day."""
    crumbs = [_by_clock(f"2026-11-20T09:{minute:02d}", f"2026-11-20T09:{minute + 1:02d}") for minute in range(0, 58, 2)]

    with pytest.raises(TooFragmented):
        with_closures(_schedule(), crumbs, since=date(2026, 11, 1), adds=False)


_minute = st.integers(0, 3 * 24 * 60)


@given(st.lists(st.tuples(_minute, st.integers(1, 30 * 60)), max_size=6), st.integers(-600, 4 * 24 * 60))
def test_open_is_what_was_open_and_nothing_closes(spans: list[tuple[int, int]], minute: int) -> None:
    """Against the definition, minute by minute: open after the import = open before and in no closure (H2)."""
    start = datetime(2026, 11, 20)  # noqa: DTZ001 - a wall time has no zone
    closures = [
        Closure(start + timedelta(minutes=begin), start + timedelta(minutes=begin + length), is_whole_days=False)
        for begin, length in spans
    ]
    before = _schedule()
    imported = with_closures(before, closures, since=date(2026, 11, 1), adds=False)
    after = _schedule(*(one.model_dump() for one in imported))
    at = start + timedelta(minutes=minute)

    is_closed = any(closure.start <= at < closure.end for closure in closures)
    assert is_open(after, at.replace(tzinfo=UTC)) == (is_open(before, at.replace(tzinfo=UTC)) and not is_closed)
