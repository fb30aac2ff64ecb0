"""Office hours in every zone there is, around every change of a clock from 2024 to 2030 (H2)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.schedules import Schedule
from service_kit.office_hours import add, elapsed, is_open, next_change, next_open
from service_kit.testing.hours_oracle import HoursOracle

HOUR = timedelta(hours=1)
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAYS = [["00:00", "24:00"]]
ODD_HOURS = [["00:00", "00:30"], ["01:30", "02:30"], ["03:00", "12:00"], ["13:00", "17:00"], ["22:00", "00:15"]]


def _schedule(zone: str, hours: list[list[str]]) -> Schedule:
    return Schedule.model_validate({"id": "s", "name": "s", "zone": zone, "weekly": dict.fromkeys(WEEKDAYS, hours)})


def _changes(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta]]:
    """Every moment at which a clock is put forward or back, and what it then shows ahead of UTC."""
    at, offset = BEGIN, BEGIN.astimezone(zone).utcoffset()
    while at < END:
        following = at + 24 * HOUR
        if following.astimezone(zone).utcoffset() != offset:
            moment = _first_minute_with_another_offset(zone, at, following)
            offset = moment.astimezone(zone).utcoffset()
            assert offset is not None
            yield moment, offset
            following = moment
        at = following


def _first_minute_with_another_offset(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) // 2
        middle = middle.replace(second=0, microsecond=0)
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after


@cache
def _every_change() -> list[tuple[str, datetime]]:
    """Zone and moment; zones whose clocks are the same for all these years count once."""
    seen, found = set(), []
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        changes = tuple(_changes(zone))
        clock = (BEGIN.astimezone(zone).utcoffset(), changes)
        if clock not in seen:
            seen.add(clock)
            # A clock that never changes is looked at once all the same.
            found += [(name, moment) for moment, _ in changes] or [(name, BEGIN + 12 * HOUR)]
    return found


def _agrees(zone: str, moment: datetime, hours: list[list[str]]) -> None:
    """Every function against the clock on the wall, for two days on both sides of one change."""
    schedule = _schedule(zone, hours)
    oracle = HoursOracle(schedule, moment.date())
    found, at = [], oracle.begin
    while (change := next_change(schedule, at)) is not None and change < oracle.minutes[-1]:
        found.append(change)
        at = change
    assert found == [change for change in oracle.changes() if change < oracle.minutes[-1]], (zone, moment)

    for here in range(0, len(oracle.minutes), 97):
        start, until_now = oracle.minutes[here], oracle.counted[here]
        duration = timedelta(minutes=until_now)
        assert is_open(schedule, start) is oracle.open[here], (zone, start)
        assert elapsed(schedule, oracle.begin, start) == duration, (zone, start)
        rest = timedelta(minutes=oracle.counted[-2] - until_now)
        assert elapsed(schedule, start, oracle.minutes[-1]) == rest, (zone, start)
        opening = next((i for i in range(here, len(oracle.minutes)) if oracle.open[i]), None)
        assert opening is None or next_open(schedule, start) == oracle.minutes[opening], (zone, start)
        reached = add(schedule, oracle.begin, duration)
        assert reached is not None
        assert elapsed(schedule, oracle.begin, reached) == duration, (zone, start)
        assert elapsed(schedule, reached, start) == timedelta(0), (zone, start)


@settings(max_examples=15)
@given(st.data())
def test_any_zone_agrees_with_the_clock_on_the_wall(data: st.DataObject) -> None:
    """A sample of all changes of all zones; the complete walk is the test below (H2)."""
    zone = data.draw(st.sampled_from(sorted(available_timezones())))
    moment = data.draw(st.sampled_from([moment for moment, _ in _changes(ZoneInfo(zone))] or [BEGIN + 12 * HOUR]))

    _agrees(zone, moment, data.draw(st.sampled_from([WHOLE_DAYS, ODD_HOURS])))


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hours", [WHOLE_DAYS, ODD_HOURS], ids=["whole-days", "odd-hours"])
def test_every_zone_agrees_with_the_clock_on_the_wall(hours: list[list[str]]) -> None:
    """Every change of every zone from 2024 to 2030, minute by minute: too long for every day (H2)."""
    for zone, moment in _every_change():
        _agrees(zone, moment, hours)

    assert len(_every_change()) > 400
