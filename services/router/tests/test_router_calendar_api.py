"""Holidays imported into a schedule, and days copied, by HTTP (H1)."""

from typing import Any

import pytest

from contracts.directories import ScheduleDirectory
from service_kit.testing.eventually import eventually

OFFICE = {"name": "Office", "zone": "Europe/Paris", "weekly": {"fri": [["09:00", "12:00"], ["13:00", "17:00"]]}}


def _calendar(*events: str) -> str:
    bodies = [f"BEGIN:VEVENT\r\nUID:{number}\r\n{event}\r\nEND:VEVENT" for number, event in enumerate(events)]
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *bodies, "END:VCALENDAR", ""))


CHRISTMAS = _calendar("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas", "DTSTART;VALUE=DATE:20270101")


async def _imported(world: Any, schedule_id: str, content: str, *, query: str = "", name: str = "owner") -> Any:
    return await world.call(
        "POST",
        f"/v1/schedules/{schedule_id}/import{query}",
        "acc",
        name,
        content=content,
        headers={"content-type": "text/calendar; charset=utf-8"},
    )


async def _schedule(world: Any, **fields: Any) -> Any:
    await world.account("acc", "ann")
    return await world.made("POST", "/v1/schedules", "acc", json=OFFICE | fields)


async def test_holidays_become_exceptions_everybody_is_told_of(world: Any) -> None:
    """A new version, published to the other services; importing the same again says the same."""
    schedule = await _schedule(world)

    first = await _imported(world, schedule["id"], CHRISTMAS)
    again = await _imported(world, schedule["id"], CHRISTMAS)
    await eventually(lambda: _published(world, schedule["id"]) == 3)

    assert (first.status_code, first.json()["dates"], first.json()["kept"]) == (200, 2, 0)
    assert first.json()["schedule"]["exceptions"] == [
        {"date": "2026-12-25", "intervals": [], "reason": "Christmas", "imported": True},
        {"date": "2027-01-01", "intervals": [], "reason": None, "imported": True},
    ]
    assert again.json()["schedule"] == first.json()["schedule"] | {"version": 3}


def _published(world: Any, schedule_id: str) -> int:
    directory = ScheduleDirectory.model_validate(world.area("acc", "schedules"))
    return directory.schedules[schedule_id].version if schedule_id in directory.schedules else 0


async def test_a_calendar_may_come_as_json_and_be_added(world: Any) -> None:
    """`add` keeps what another calendar closed; what a person set for a date is kept and told."""
    by_hand = {"date": "2026-12-25", "intervals": [["10:00", "11:00"]]}
    schedule = await _schedule(world, exceptions=[by_hand])
    await _imported(world, schedule["id"], CHRISTMAS)
    other = _calendar("DTSTART;VALUE=DATE:20270501")

    added = await world.made("POST", f"/v1/schedules/{schedule['id']}/import?add=true", "acc", json={"ics": other})
    replaced = await world.made("POST", f"/v1/schedules/{schedule['id']}/import", "acc", json={"ics": CHRISTMAS})

    assert [one["date"] for one in added["schedule"]["exceptions"]] == ["2026-12-25", "2027-01-01", "2027-05-01"]
    assert (added["dates"], added["kept"]) == (2, 0)
    assert [one["date"] for one in replaced["schedule"]["exceptions"]] == ["2026-12-25", "2027-01-01"]
    assert (replaced["dates"], replaced["kept"]) == (1, 1)
    assert replaced["schedule"]["exceptions"][0]["intervals"] == [["10:00", "11:00"]]


async def test_calendars_that_cannot_be_used_are_refused_and_change_nothing(world: Any) -> None:
    """Too large, broken, endless, no calendar at all, not permitted, somebody else's: each with its own answer."""
    schedule = await _schedule(world)
    at = schedule["id"]
    endless = _calendar("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY")
    often = _calendar("DTSTART:20261225T000000Z\r\nRRULE:FREQ=SECONDLY")
    text = {"content-type": "text/plain"}
    answers = {
        (413, "too_large"): await _imported(world, at, CHRISTMAS + "X" * 10_000_000),
        (422, "calendar_unreadable"): await _imported(world, at, "BEGIN:VCALENDAR\r\nBEGIN:"),
        (422, "calendar_too_long"): await _imported(world, at, endless),
        (422, "calendar_too_frequent"): await _imported(world, at, often),
        (422, "invalid_request"): await world.call(
            "POST", f"/v1/schedules/{at}/import", "acc", "owner", json={"ics": 5}
        ),
        (415, "unsupported_media_type"): await world.call(
            "POST", f"/v1/schedules/{at}/import", "acc", "owner", content="x", headers=text
        ),
        (403, "forbidden"): await _imported(world, at, CHRISTMAS, name="ann"),
        (404, "not_found"): await _imported(world, "sch_of_others", CHRISTMAS),
    }

    found = {expected: (answer.status_code, answer.json()["code"]) for expected, answer in answers.items()}

    assert found == {expected: expected for expected in answers}
    assert (await world.made("GET", f"/v1/schedules/{at}", "acc"))["version"] == 1


async def test_days_are_copied_to_others(world: Any) -> None:
    """All the hours of one day, past midnight too; a day without hours closes the others. One new version each."""
    schedule = await _schedule(
        world, weekly={"fri": [["09:00", "12:00"], ["22:00", "02:00"]], "sun": [["10:00", "11:00"]]}
    )
    path = f"/v1/schedules/{schedule['id']}/copy"

    copied = await world.made("POST", path, "acc", json={"from": "fri", "to": ["mon", "sun"]})
    closed = await world.made("POST", path, "acc", json={"from": "tue", "to": ["mon"]})

    hours = [["09:00", "12:00"], ["22:00", "02:00"]]
    assert (copied["weekly"], copied["version"]) == ({"fri": hours, "mon": hours, "sun": hours}, 2)
    assert (closed["weekly"], closed["version"]) == ({"fri": hours, "sun": hours}, 3)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"from": "fri"},
        {"from": "fri", "to": []},
        {"from": "someday", "to": ["mon"]},
        {"from": "fri", "to": ["mon"], "x": 1},
    ],
)
async def test_a_copy_says_from_where_and_to_where(world: Any, body: dict[str, Any]) -> None:
    """Anything else is refused, and nothing changes."""
    schedule = await _schedule(world)

    answer = await world.call("POST", f"/v1/schedules/{schedule['id']}/copy", "acc", "owner", json=body)

    assert answer.status_code == 422
    assert (await world.made("GET", f"/v1/schedules/{schedule['id']}", "acc"))["version"] == 1


async def test_reports_may_follow_hours_of_their_own(world: Any) -> None:
    """A schedule that the account has; one that is in use is not removed."""
    schedule = await _schedule(world)
    await world.settings("acc", "chat", {})
    unknown = await world.call(
        "PATCH", "/v1/settings/assignment", "acc", "owner", json={"reports_schedule_id": "sch_of_others"}
    )
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"reports_schedule_id": schedule["id"]})
    removed = await world.call("DELETE", f"/v1/schedules/{schedule['id']}", "acc", "owner")

    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_schedule")
    assert (removed.status_code, removed.json()["code"]) == (409, "schedule_in_use")
