from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.schedules import Schedule
from contracts.settings import SettingsChanged
from reporting.errors import HoursUnknown
from reporting.hours_history import SettingsVersion, business_time, periods, settings_version

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NOON_TO_TWO = {"id": "sch", "name": "s", "zone": "UTC", "weekly": {"mon": [["12:00", "14:00"]]}}
ALL_DAY = {**NOON_TO_TWO, "weekly": {"mon": [["00:00", "24:00"]]}}


def version(area: str, number: int, since: datetime, value: dict[str, Any]) -> SettingsVersion:
    """A version as it is kept."""
    change = SettingsChanged.model_validate(
        {"id": f"{area}{number}", "account_id": "acc", "time": since, "area": area, "version": number, "value": value}
    )
    kept = settings_version(change)
    assert kept is not None
    return kept


def assignment(number: int, since: datetime, schedule_id: str | None) -> SettingsVersion:
    """A version of the settings that name the schedule."""
    return version("assignment", number, since, {"schedule_id": schedule_id})


def directory(number: int, since: datetime, *schedules: dict[str, Any]) -> SettingsVersion:
    """A version of the schedules."""
    return version("schedules", number, since, {"schedules": {one["id"]: one for one in schedules}})


def test_without_a_schedule_all_time_is_business_time() -> None:
    """No schedule set is always open (A4)."""
    kept = periods([assignment(1, MONDAY, None)])

    assert business_time(kept, MONDAY - timedelta(days=9), MONDAY) == timedelta(days=9)


def test_only_office_hours_count() -> None:
    """Business time is what lies within the schedule (R2)."""
    kept = periods([assignment(1, MONDAY, "sch"), directory(1, MONDAY, NOON_TO_TWO)])

    assert business_time(kept, MONDAY + timedelta(hours=11), MONDAY + timedelta(hours=13)) == timedelta(hours=1)


def test_each_part_counts_by_the_hours_valid_then() -> None:
    """A change at one o'clock opens the rest of the day and leaves the morning as it was (H1)."""
    one = MONDAY + timedelta(hours=13)
    kept = periods([assignment(1, MONDAY, "sch"), directory(1, MONDAY, NOON_TO_TWO), directory(2, one, ALL_DAY)])

    assert business_time(kept, MONDAY, MONDAY + timedelta(hours=20)) == timedelta(hours=1 + 7)


def test_a_schedule_set_later_does_not_close_the_past() -> None:
    """What was answered while always open stays as it was."""
    noon = MONDAY + timedelta(hours=12)
    kept = periods(
        [
            assignment(1, MONDAY, None),
            directory(1, MONDAY),
            directory(2, noon, NOON_TO_TWO),
            assignment(2, noon + timedelta(seconds=1), "sch"),
        ]
    )

    assert business_time(kept, MONDAY, noon) == timedelta(hours=12)
    assert kept[-1].schedule == Schedule.model_validate(NOON_TO_TWO)


def test_what_was_valid_first_counts_for_all_time_before() -> None:
    """Events that are older than the settings we know are measured by the oldest known."""
    kept = periods([assignment(1, MONDAY, "sch"), directory(1, MONDAY, NOON_TO_TWO)])
    last_week = MONDAY - timedelta(days=7)

    assert business_time(kept, last_week, MONDAY) == timedelta(hours=2)


def test_a_removed_schedule_is_known_from_before() -> None:
    """History keeps the hours of a schedule that is there no more."""
    kept = periods(
        [assignment(1, MONDAY, "sch"), directory(1, MONDAY, NOON_TO_TWO), directory(2, MONDAY + timedelta(days=1))]
    )

    assert kept[-1].schedule == Schedule.model_validate(NOON_TO_TWO)


@pytest.mark.parametrize("versions", [[], [assignment(1, MONDAY, "sch")], [directory(1, MONDAY, NOON_TO_TWO)]])
def test_hours_that_have_not_arrived_are_waited_for(versions: list[SettingsVersion]) -> None:
    """Nothing is guessed: the events are counted when the settings are there."""
    with pytest.raises(HoursUnknown):
        periods(versions)


def test_the_order_of_arrival_does_not_matter() -> None:
    """Versions are ordered by number, not by when they came."""
    one = MONDAY + timedelta(hours=13)
    versions = [assignment(1, MONDAY, "sch"), directory(1, MONDAY, NOON_TO_TWO), directory(2, one, ALL_DAY)]

    assert periods(versions[::-1]) == periods(versions)


def test_other_areas_are_not_kept() -> None:
    """Only what says office hours belongs to their history."""
    change = SettingsChanged(id="1", account_id="acc", time=MONDAY, area="account", version=1, value={})

    assert settings_version(change) is None
