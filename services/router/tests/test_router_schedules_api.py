"""Office hours over HTTP: versions are kept for ever (H1)."""

import json
from typing import Any

import pytest

from contracts.settings import AREA_SHAPES
from router.schedules.schedules import DIRECTORY_BYTES
from service_kit.testing.eventually import eventually

OFFICE: dict[str, Any] = {
    "name": "Office",
    "zone": "Europe/Paris",
    "weekly": {
        "mon": [["09:00", "12:00"], ["13:00", "17:00"]],
        "fri": [["22:00", "02:00"]],
        "sun": [["00:00", "24:00"]],
    },
    "exceptions": [{"date": "2026-12-25", "intervals": []}],
}


async def test_a_schedule_is_shown_as_it_was_given(world: Any) -> None:
    """Several intervals a day, past midnight, whole days and exceptions (H1)."""
    await world.account("acc")

    made = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    listed = await world.made("GET", "/v1/schedules", "acc")

    assert made["version"] == 1
    assert {key: made[key] for key in ("name", "zone", "weekly")} == {
        key: OFFICE[key] for key in ("name", "zone", "weekly")
    }
    assert made["exceptions"] == [{"date": "2026-12-25", "intervals": [], "reason": None, "imported": False}]
    assert listed["items"] == [made]


async def test_others_are_told_of_the_version_in_force(world: Any) -> None:
    """The directory of schedules is published whole after each change."""
    await world.account("acc")
    made = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)

    changed = await world.made("PATCH", f"/v1/schedules/{made['id']}", "acc", json={"exceptions": []})
    await eventually(lambda: world.area("acc", "schedules").get("schedules") == {made["id"]: changed})

    assert changed["version"] == 2


async def test_every_version_is_kept(world: Any) -> None:
    """A change is a new version; the old ones are there for history, also after removal (H1)."""
    await world.account("acc")
    await world.settings("acc", "chat", {})
    made = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    path = f"/v1/schedules/{made['id']}"

    changed = await world.made("PATCH", path, "acc", json={"weekly": {}})
    await world.made("PATCH", path, "acc", json={"name": "Always closed"})
    await world.made("DELETE", path, "acc")
    versions = await world.made("GET", f"{path}/versions", "acc")

    assert (changed["version"], changed["weekly"], changed["zone"]) == (2, {}, "Europe/Paris")
    assert [kept["version"] for kept in versions["items"]] == [3, 2, 1]
    assert versions["items"][2]["schedule"] == made
    assert (await world.call("GET", path, "acc", "owner")).status_code == 404


@pytest.mark.parametrize("field", ["schedule_id", "reports_schedule_id"])
async def test_a_schedule_in_use_stays(world: Any, field: str) -> None:
    """Assignment, or reports, follow it until told otherwise."""
    await world.account("acc")
    await world.settings("acc", "chat", {})
    made = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={field: made["id"]})

    refused = await world.call("DELETE", f"/v1/schedules/{made['id']}", "acc", "owner")
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={field: None})
    await world.made("DELETE", f"/v1/schedules/{made['id']}", "acc")

    assert (refused.status_code, refused.json()["code"]) == (409, "schedule_in_use")
    assert refused.json()["settings"] == [f"assignment.{field}"]


async def test_a_schedule_that_only_chat_follows_stays(world: Any) -> None:
    """The widget keeps the hours it was given: a schedule that `chat.schedule_id` names is not removed (W3, H1)."""
    await world.account("acc")
    made = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    await world.settings("acc", "chat", {"schedule_id": made["id"]})

    async def refusal() -> dict[str, Any] | None:
        # Until the router has its copy it cannot say, and answers 503.
        answer = await world.call("DELETE", f"/v1/schedules/{made['id']}", "acc", "owner")
        assert answer.status_code in {409, 503}
        return dict(answer.json()) if answer.status_code == 409 else None

    refused = await eventually(refusal, seconds=15)
    kept = await world.call("GET", f"/v1/schedules/{made['id']}", "acc", "owner")

    assert (refused["code"], refused["settings"]) == ("schedule_in_use", ["chat.schedule_id"])
    assert kept.status_code == 200


def test_no_settings_follow_a_schedule_unseen() -> None:
    """A settings area that begins to name schedules must be asked before one is removed."""
    naming = {
        f"{area}.{name}" for area, shape in AREA_SHAPES.items() for name in shape.model_fields if "schedule" in name
    }

    assert naming == {
        "assignment.schedule_id",
        "assignment.reports_schedule_id",
        "chat.schedule_id",
        "schedules.schedules",
    }


async def test_assignment_follows_only_schedules_of_the_account(world: Any) -> None:
    """What belongs to another account does not exist here."""
    await world.account("acc")
    await world.account("other")
    theirs = await world.made("POST", "/v1/schedules", "other", json=OFFICE)

    answers = [
        await world.call("PATCH", "/v1/settings/assignment", "acc", "owner", json={"schedule_id": schedule_id})
        for schedule_id in (theirs["id"], "sch_nothing")
    ]
    versions = await world.call("GET", f"/v1/schedules/{theirs['id']}/versions", "acc", "owner")

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "unknown_schedule")] * 2
    assert versions.status_code == 404


async def test_what_is_no_schedule_is_refused(world: Any) -> None:
    """Limits and meaning are checked at the door (S4)."""
    await world.account("acc")
    unfit: list[dict[str, Any]] = [
        {"zone": "Mars/Olympus"},
        {"weekly": {"mon": [["9:00", "17:00"]]}},
        {"weekly": {"mon": [["09:00", "09:00"]]}},
        {"weekly": {"monday": []}},
        {"weekly": {"mon": [["09:00", "10:00"]] * 25}},
        {"name": ""},
        {"opens": "early"},
    ]

    answers = [await world.call("POST", "/v1/schedules", "acc", "owner", json=OFFICE | change) for change in unfit]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "invalid_request")] * len(
        unfit
    )


async def test_what_all_schedules_say_is_measured_in_bytes(world: Any) -> None:
    """They are published as one event: text that takes four bytes a letter counts as what it takes (H1)."""
    await world.account("acc")
    closed = [
        {"date": f"{2026 + day // 336}-{day % 336 // 28 + 1:02}-{day % 28 + 1:02}", "reason": "🎄" * 200}
        for day in range(700)
    ]
    content = json.dumps({"name": "Holidays", "zone": "UTC", "exceptions": closed}, ensure_ascii=False).encode()

    refused = await world.call(
        "POST", "/v1/schedules", "acc", "owner", content=content, headers={"content-type": "application/json"}
    )
    listed = await world.made("GET", "/v1/schedules", "acc")

    assert len(content.decode()) < DIRECTORY_BYTES
    assert (refused.status_code, refused.json()["code"]) == (422, "too_large")
    assert listed["items"] == []
