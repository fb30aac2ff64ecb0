from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.errors import InvalidRange
from reporting.report_range import ReportRange, report_range

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(from_: str | None, to: str | None, zone: ZoneInfo = PARIS) -> ReportRange:
    """A range by days."""
    return report_range(from_, to, zone, "day", NOW)


def test_dates_are_whole_local_days() -> None:
    """Both ends count, and the account's zone says when they begin and end (R2)."""
    asked = days("2026-11-20", "2026-11-21")

    assert (asked.start, asked.end) == (utc("2026-11-19T23:00"), utc("2026-11-21T23:00"))
    assert asked.starts == (utc("2026-11-19T23:00"), utc("2026-11-20T23:00"))


def test_without_a_range_it_is_the_last_seven_days_with_today() -> None:
    """The default ends with the present local day."""
    asked = days(None, None)

    assert (asked.start, asked.end) == (utc("2026-11-14T23:00"), utc("2026-11-21T23:00"))
    assert len(asked.starts) == 7


def test_moments_are_widened_to_quarters_of_an_hour() -> None:
    """What is counted by quarters cannot be cut finer; nothing that was asked for is left out."""
    asked = days("2026-11-20T10:07:00Z", "2026-11-20T11:00:01Z")

    assert (asked.start, asked.end) == (utc("2026-11-20T10:00"), utc("2026-11-20T11:15"))


@pytest.mark.parametrize(
    "text", ["2026-11-20T10:00:00+01:00", "2026-11-20T10:00:00 01:00", "2026-11-20T09:00:00Z", "2026-11-20T10:00:00"]
)
def test_moments_are_understood_with_and_without_an_offset(text: str) -> None:
    """Without one it is local, and a plus that was not encoded is still a plus."""
    assert days(text, "2026-11-21").start == utc("2026-11-20T09:00")


def test_days_of_23_and_25_hours_are_days() -> None:
    """The clock changes within a day, and the day stays one interval (H2)."""
    spring, autumn = days("2026-03-29", "2026-03-29"), days("2026-10-25", "2026-10-25")

    assert [asked.end - asked.start for asked in (spring, autumn)] == [timedelta(hours=23), timedelta(hours=25)]
    assert [len(asked.starts) for asked in (spring, autumn)] == [1, 1]


def test_an_hour_that_comes_twice_is_two_intervals() -> None:
    """By hours, the long day has 25 of them and the short one 23."""
    spring = report_range("2026-03-29", "2026-03-29", PARIS, "hour", NOW)
    autumn = report_range("2026-10-25", "2026-10-25", PARIS, "hour", NOW)

    assert (len(spring.starts), len(autumn.starts)) == (23, 25)


def test_hours_follow_zones_that_are_off_by_half_an_hour() -> None:
    """A local hour of India begins at half past of UTC."""
    asked = report_range(
        "2026-11-20T10:10:00+05:30", "2026-11-20T12:00:00+05:30", ZoneInfo("Asia/Kolkata"), "hour", NOW
    )

    assert asked.starts == (utc("2026-11-20T04:30"), utc("2026-11-20T05:30"))
    assert next(start.isoformat() for start, _ in asked.intervals()) == "2026-11-20T10:00:00+05:30"


def test_a_moment_belongs_to_the_local_day_it_lies_in() -> None:
    """Half past midnight in Paris is the next day there, whatever UTC says."""
    asked = days("2026-11-20", "2026-11-21")

    assert asked.index_of(utc("2026-11-20T22:59:59")) == 0
    assert asked.index_of(utc("2026-11-20T23:00:00")) == 1
    assert asked.index_of(utc("2026-11-19T22:59:59")) is None
    assert asked.index_of(utc("2026-11-21T23:00:00")) is None


@pytest.mark.parametrize(
    ("from_", "to", "interval"),
    [
        ("2026-11-21", "2026-11-20", "day"),
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", "day"),
        ("yesterday", None, "day"),
        ("2026-13-01", None, "day"),
        ("2026-11-21T25:00:00Z", None, "day"),
        ("1999-12-31", None, "day"),
        ("9999-12-31T00:00:00Z", None, "day"),
        ("2020-01-01", "2026-01-01", "day"),
        ("2026-01-01", "2026-03-01", "hour"),
    ],
)
def test_ranges_that_make_no_report_are_refused(from_: str, to: str | None, interval: Literal["hour", "day"]) -> None:
    """Backwards, unreadable, out of this century, or of more than a thousand intervals."""
    with pytest.raises(InvalidRange):
        report_range(from_, to, PARIS, interval, NOW)


@given(
    st.sampled_from(["Europe/Paris", "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Cairo", "Atlantic/Azores"]),
    st.dates(date(2001, 1, 1), date(2050, 1, 1)),
    st.integers(0, 39),
    st.sampled_from(["hour", "day"]),
)
def test_intervals_cover_the_range_without_hole_or_overlap(
    zone: str, first: date, more: int, interval: Literal["hour", "day"]
) -> None:
    """Every moment of the range lies in exactly one interval, in every zone and over every change of the clock."""
    asked = report_range(str(first), str(first + timedelta(days=more)), ZoneInfo(zone), interval, NOW)
    shown = [(start.astimezone(UTC), end.astimezone(UTC)) for start, end in asked.intervals()]

    assert (shown[0][0], shown[-1][1]) == (asked.start, asked.end)
    assert all(start < end for start, end in shown)
    assert all(one[1] == other[0] for one, other in pairwise(shown))
    assert all(asked.index_of(start) == number for number, start in enumerate(asked.starts))
    assert interval == "hour" or len(shown) == more + 1
