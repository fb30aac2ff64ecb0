"""Chat settings that name a schedule which is gone (W3)."""

from typing import Any

from contracts.settings import SettingsChanged
from service_kit.testing.eventually import eventually

OFFICE = {"id": "sch_1", "name": "Office", "zone": "Europe/Paris"}


async def _schedules(chat: Any, version: int, *schedules: dict[str, Any]) -> None:
    """The router tells which schedules there are."""
    changed = SettingsChanged(
        id=f"evt_schedules_{version}",
        account_id="acc_1",
        time=chat.clock.now(),
        area="schedules",
        version=version,
        value={"schedules": {one["id"]: one for one in schedules}},
    )
    await chat.outside.bus.publish([changed])


async def test_the_owner_is_told_of_a_schedule_that_vanished_while_it_was_named(chat: Any) -> None:
    """Naming it and removing it crossed: both succeeded, and whoever reads the settings learns of it, until mended."""
    await _schedules(chat, 1, OFFICE)
    await chat.settings(schedule_id="sch_1")
    async with chat.http() as http:

        async def read() -> Any:
            return (await http.get("/v1/settings/chat", headers=chat.owner)).json()

        whole = await read()
        await _schedules(chat, 2)
        warned = await eventually(lambda: _warned(read))
        sent_back = await http.patch("/v1/settings/chat", json=warned, headers=chat.owner)
        mended = await http.patch("/v1/settings/chat", json={"schedule_id": None}, headers=chat.owner)

    assert "warnings" not in whole
    assert [(one["field"], one["code"]) for one in warned["warnings"]] == [("schedule_id", "unknown_schedule")]
    assert warned["schedule_id"] == "sch_1"
    assert (sent_back.status_code, sent_back.json()) == (200, warned)
    assert (mended.status_code, "warnings" in mended.json()) == (200, False)


async def _warned(read: Any) -> Any:
    settings = await read()
    return settings if "warnings" in settings else None


async def test_a_schedule_made_just_before_is_no_surprise(chat: Any) -> None:
    """Its news may arrive after the patch that names it: that is waited for, and nobody is warned."""
    await _schedules(chat, 1)
    async with chat.http() as http:
        await eventually(lambda: _patched(http, chat, {"schedule_id": None}))
        await _schedules(chat, 2, OFFICE)
        answer = await http.patch("/v1/settings/chat", json={"schedule_id": "sch_1"}, headers=chat.owner)

    assert (answer.status_code, "warnings" in answer.json()) == (200, False)


async def _patched(http: Any, chat: Any, patch: dict[str, Any]) -> bool:
    answer = await http.patch("/v1/settings/chat", json=patch, headers=chat.owner)
    return bool(answer.status_code == 200)


async def test_without_news_of_schedules_nobody_is_warned(chat: Any) -> None:
    """While the account's schedules have not arrived here, the settings are read all the same; nothing is guessed."""
    async with chat.http() as http:
        answer = await http.patch("/v1/settings/chat", json={"schedule_id": "sch_1"}, headers=chat.owner)

    assert (answer.status_code, answer.json()["schedule_id"], "warnings" in answer.json()) == (200, "sch_1", False)
