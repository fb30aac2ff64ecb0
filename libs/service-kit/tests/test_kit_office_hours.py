from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.schedules import Schedule
from service_kit.office_hours import add, elapsed, is_open, next_change, next_open
from service_kit.testing.hours_oracle import HoursOracle

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = [("00:00", "24:00")]

CHANGES = [
    ("Europe/Paris", date(2026, 3, 29)),  # 02:00 becomes 03:00
    ("Europe/Paris", date(2026, 10, 25)),  # 03:00 becomes 02:00
    ("Europe/Dublin", date(2026, 10, 25)),  # winter time is the exception there
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour back
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # half an hour forward
    ("Africa/Casablanca", date(2026, 2, 15)),  # an hour back for Ramadan
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("Antarctica/Troll", date(2026, 3, 29)),  # two hours forward
    ("Antarctica/Troll", date(2026, 10, 25)),  # two hours back
    ("Africa/Cairo", date(2026, 4, 24)),  # midnight itself is skipped
    ("Atlantic/Azores", date(2026, 10, 25)),  # midnight happens twice
    ("America/Havana", date(2026, 11, 1)),  # so does it here
    ("America/St_Johns", date(2010, 11, 7)),  # at 00:01 the day before begins again
    ("Pacific/Apia", date(2011, 12, 30)),  # a date that never was
    ("Asia/Kathmandu", date(2026, 1, 1)),  # no change at all
]


def schedule(
    zone: str = "Europe/Paris",
    weekly: dict[str, list[tuple[str, str]]] | None = None,
    exceptions: dict[date, list[tuple[str, str]]] | None = None,
) -> Schedule:
    """A schedule in the form that people write."""
    return Schedule.model_validate(
        {
            "id": "s",
            "name": "Hours",
            "zone": zone,
            "weekly": weekly or {},
            "exceptions": [{"date": day, "intervals": hours} for day, hours in (exceptions or {}).items()],
        }
    )


def every_day(*intervals: tuple[str, str], zone: str = "Europe/Paris") -> Schedule:
    """The same hours on each weekday."""
    return schedule(zone, {day: list(intervals) for day in WEEKDAYS})


def local(text: str, zone: str = "Europe/Paris", fold: int = 0) -> datetime:
    """A local time, aware."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


clocks = st.builds(
    "{:02d}:{:02d}".format, st.integers(0, 23) | st.integers(0, 3), st.sampled_from([0, 1, 15, 30, 45, 59])
)
intervals = st.tuples(clocks, clocks | st.just("24:00")).filter(lambda pair: pair[0] != pair[1])
days_hours = st.lists(intervals, max_size=3) | st.just(WHOLE_DAY)


@st.composite
def around_a_change(draw: st.DrawFn) -> tuple[Schedule, date]:
    """Any schedule, and a date on which its zone does something odd."""
    zone, day = draw(st.sampled_from(CHANGES))
    weekly = draw(st.dictionaries(st.sampled_from(WEEKDAYS), days_hours, max_size=7))
    near = st.integers(-2, 2).map(lambda offset: day + timedelta(days=offset))
    return schedule(zone, weekly, draw(st.dictionaries(near, days_hours, max_size=2))), day


@settings(max_examples=60)
@given(around_a_change(), st.data())
def test_agrees_with_the_clock_on_the_wall(case: tuple[Schedule, date], data: st.DataObject):
    """Every function agrees with looking at the clock minute by minute, around every odd change (H2)."""
    hours, day = case
    oracle = HoursOracle(hours, day)
    count = len(oracle.minutes)
    found, at = [], oracle.begin
    while (change := next_change(hours, at)) is not None and change < oracle.minutes[-1]:
        found.append(change)
        at = change
    here = data.draw(st.integers(0, count - 1))
    there = data.draw(st.integers(here, count - 1))
    start, end = oracle.minutes[here], oracle.minutes[there]
    open_minutes = oracle.counted[there] - oracle.counted[here]
    following = next((i for i in range(here, count) if oracle.open[i]), None)

    assert found == [change for change in oracle.changes() if change < oracle.minutes[-1]]
    assert is_open(hours, start) is oracle.open[here]
    assert elapsed(hours, start, end) == open_minutes * MINUTE
    if following is not None:
        assert next_open(hours, start) == oracle.minutes[following]
    if open_minutes:
        reached = oracle.counted.index(oracle.counted[here] + open_minutes)
        assert add(hours, start, open_minutes * MINUTE) == oracle.minutes[reached]


zones = st.sampled_from(sorted({zone for zone, _ in CHANGES}))
weeks = st.dictionaries(st.sampled_from(WEEKDAYS), st.lists(intervals, min_size=1, max_size=3), min_size=1)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(2009, 1, 1), max_value=datetime(2037, 1, 1))  # noqa: DTZ001 - hypothesis takes naive bounds
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30))


@given(zones, weeks, moments, spans)
def test_adding_and_measuring_agree(
    zone: str, weekly: dict[str, list[tuple[str, str]]], start: datetime, span: timedelta
):
    """`elapsed(a, add(a, d)) == d` to the microsecond, and nothing earlier would do."""
    hours = schedule(zone, weekly)
    reached = add(hours, start, span)
    assume(reached is not None)

    assert elapsed(hours, start, reached) == span
    if span:
        assert elapsed(hours, start, reached - timedelta(microseconds=1)) < span


@given(zones, weeks, moments, spans, spans)
def test_time_adds_up(
    zone: str, weekly: dict[str, list[tuple[str, str]]], start: datetime, first: timedelta, second: timedelta
):
    """What elapses in two parts elapses in the whole, wherever the cut is."""
    hours = schedule(zone, weekly)
    cut, end = start + first, start + first + second

    assert elapsed(hours, start, cut) + elapsed(hours, cut, end) == elapsed(hours, start, end)


@given(zones, weeks, moments, spans, spans)
def test_durations_add_up(
    zone: str, weekly: dict[str, list[tuple[str, str]]], start: datetime, first: timedelta, second: timedelta
):
    """Adding in two parts is adding the whole, wherever the first part ends (H2)."""
    hours = schedule(zone, weekly)
    halfway = add(hours, start, first)
    assume(halfway is not None)

    assert add(hours, halfway, second) == add(hours, start, first + second)


@given(zones, weeks, moments)
def test_answers_fit_together(zone: str, weekly: dict[str, list[tuple[str, str]]], at: datetime):
    """Open at the next opening, otherwise just before the next change than at it, unchanged until then."""
    hours = schedule(zone, weekly)
    opening, change = next_open(hours, at), next_change(hours, at)

    assert opening is None or is_open(hours, opening)
    if change is not None:
        before = change - timedelta(microseconds=1)
        assert change > at
        assert is_open(hours, before) is not is_open(hours, change)
        assert is_open(hours, before) is is_open(hours, at)


@pytest.mark.parametrize(
    ("zone", "day", "hours_in_it"),
    [
        ("Europe/Paris", "2026-03-29", 23),
        ("Europe/Paris", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Antarctica/Troll", "2026-03-29", 22),
        ("Antarctica/Troll", "2026-10-25", 26),
        ("Africa/Casablanca", "2026-02-15", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Pacific/Apia", "2011-12-29", 24),
    ],
)
def test_days_that_are_not_24_hours_long(zone: str, day: str, hours_in_it: float):
    """A whole day is open for as long as it really lasts."""
    weekday = WEEKDAYS[date.fromisoformat(day).weekday()]
    hours = schedule(zone, {weekday: WHOLE_DAY})
    noon = local(f"{day}T12:00", zone)

    assert elapsed(hours, noon - timedelta(days=3), noon + timedelta(days=3)) == timedelta(hours=hours_in_it)


@pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)
def test_round_the_clock_has_no_hole(zone: str, day: date):
    """Seven days of 00:00 to 24:00 never close, also over a change of the clock at midnight (H2)."""
    hours = every_day(("00:00", "24:00"), zone=zone)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=30)

    assert next_change(hours, start) is None
    assert elapsed(hours, start, start + timedelta(days=60)) == timedelta(days=60)
    assert add(hours, start, timedelta(days=1000)) == start + timedelta(days=1000)


def test_a_lunch_break():
    """Two intervals of a day leave it closed in between; the moment of closing is closed, of opening open."""
    hours = schedule(weekly={"mon": [("09:00", "12:00"), ("13:00", "17:00")]})

    assert [
        is_open(hours, local(f"2026-11-23T{clock}")) for clock in ("08:59", "09:00", "12:00", "13:00", "17:00")
    ] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert add(hours, local("2026-11-23T11:00"), 2 * HOUR) == local("2026-11-23T14:00")
    assert add(hours, local("2026-11-23T11:00"), HOUR) == local("2026-11-23T12:00")
    assert next_open(hours, local("2026-11-23T17:00")) == local("2026-11-30T09:00")
    assert next_open(hours, local("2026-11-23T10:00")) == local("2026-11-23T10:00")


def test_past_midnight():
    """An interval that closes before it opens belongs to the day it opens on (H1)."""
    hours = schedule(weekly={"fri": [("22:00", "02:00")]})

    assert is_open(hours, local("2026-11-28T01:59"))
    assert not is_open(hours, local("2026-11-27T01:59"))
    assert next_change(hours, local("2026-11-27T23:00")) == local("2026-11-28T02:00")


def test_an_exception_replaces_what_opens_on_its_date():
    """On a closed date the evening before still runs past midnight, and nothing opens (H1)."""
    hours = schedule(
        weekly={day: [("20:00", "03:00")] for day in WEEKDAYS},
        exceptions={date(2026, 12, 25): [], date(2026, 12, 26): [("10:00", "11:00")]},
    )

    assert is_open(hours, local("2026-12-25T02:59"))
    assert next_open(hours, local("2026-12-25T03:00")) == local("2026-12-26T10:00")
    assert next_open(hours, local("2026-12-26T11:00")) == local("2026-12-27T20:00")


def test_overlapping_and_touching_intervals_are_one():
    """Time is counted once, and no change is seen where one interval takes over from another."""
    hours = schedule(weekly={"mon": [("09:00", "12:00"), ("10:00", "11:00"), ("12:00", "14:00"), ("11:30", "13:00")]})
    morning = local("2026-11-23T09:00")

    assert next_change(hours, morning) == local("2026-11-23T14:00")
    assert elapsed(hours, morning, morning + timedelta(days=1)) == 5 * HOUR


def test_no_schedule_is_always_open():
    """Without a schedule wall time is business time (A4)."""
    at = local("2026-11-23T03:00")

    assert is_open(None, at)
    assert next_open(None, at) == at
    assert next_change(None, at) is None
    assert elapsed(None, at, at + HOUR) == HOUR
    assert add(None, at, HOUR) == at + HOUR


@pytest.mark.parametrize(
    "hours",
    [schedule(), schedule(exceptions={date(2020, 1, 1): WHOLE_DAY}), schedule(weekly={"mon": []})],
    ids=["empty", "only long ago", "a day without hours"],
)
def test_always_closed_has_an_answer(hours: Schedule):
    """A schedule that never opens is closed for ever, and asking it ends (W3)."""
    at = local("2026-11-23T12:00")

    assert not is_open(hours, at)
    assert next_open(hours, at) is None
    assert next_change(hours, at) is None
    assert elapsed(hours, at, at + timedelta(days=3000)) == timedelta(0)
    assert add(hours, at, MINUTE) is None
    assert add(hours, at, timedelta(0)) == at


def test_a_schedule_that_ends():
    """Open on one date only: afterwards nothing is found, and what was is still counted years later."""
    hours = schedule(exceptions={date(2026, 12, 1): [("09:00", "10:00")], date(2030, 1, 1): [("09:00", "10:00")]})
    at = local("2026-12-01T09:30")

    assert next_change(hours, at) == local("2026-12-01T10:00")
    assert add(hours, at, HOUR) is None
    assert elapsed(hours, at, local("2031-01-01T00:00")) == 1.5 * HOUR


def test_a_day_of_rare_hours_is_walked_as_far_as_needed():
    """An hour a week is enough to add a hundred: the search gives up after 400 days without an opening, not before."""
    hours = schedule(weekly={"mon": [("09:00", "10:00")]})

    assert add(hours, local("2026-11-23T09:00"), 100 * HOUR) == local("2028-10-16T10:00")


def test_backwards_is_nothing():
    """An end before the start measures zero; a negative duration cannot be added."""
    hours = every_day(("09:00", "17:00"))
    at = local("2026-11-23T12:00")

    assert elapsed(hours, at, at - HOUR) == timedelta(0)
    with pytest.raises(ValueError, match="negative"):
        add(hours, at, -HOUR)


def test_naive_moments_are_refused():
    """A moment without a zone would silently be the server's local time."""
    with pytest.raises(ValueError, match="aware"):
        is_open(every_day(("09:00", "17:00")), datetime(2026, 11, 23, 12))  # noqa: DTZ001 - that is the point


def test_the_ends_of_the_calendar():
    """Absurd moments and durations are answered rather than overflowing."""
    hours = every_day(("09:00", "17:00"))

    assert add(hours, local("9998-11-23T09:00"), timedelta(days=9999)) is None
    assert add(None, local("9998-11-23T09:00"), timedelta(days=9999)) is None
    assert next_open(hours, datetime.max.replace(tzinfo=UTC)) is None
    assert next_open(hours, datetime.min.replace(tzinfo=UTC)) is not None
