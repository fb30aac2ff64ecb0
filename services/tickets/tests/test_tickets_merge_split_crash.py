"""Kills a real tickets service within a merge or a split, and lets the next life finish it (L7)."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.directories import TeamDirectory
from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.settings import AccountSettings, AssignmentSettings, EmailSettings, SettingsChanged, TicketSettings
from contracts.tickets import TicketClosed, TicketEvent, TicketMerged, TicketMessageAdded, TicketSplit
from contracts.topics import OUTBOUND_MESSAGES, TICKET_EVENTS
from service_kit.bus import Subscription
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from tickets.app import create_service

DYING_SERVICE = """
import asyncio, sys
from pathlib import Path
import httpx
from service_kit.crash_points import arm_from
from service_kit.testing.callers import sign_in
from service_kit.testing.platforms import PlatformFactory
from tickets.app import create_service

async def main():
    home, url, point, path, body = sys.argv[1:]
    platforms = PlatformFactory(Path(home), url)
    platform = platforms("tickets")
    service = create_service(platform)
    async with platforms.running((service, platform)):
        transport = httpx.ASGITransport(app=service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            http.headers.update(await sign_in(platform))
            arm_from(point)
            await http.post(path, content=body, headers={"Content-Type": "application/json"})

asyncio.run(main())
"""

SETTINGS = {
    "account": AccountSettings(),
    "tickets": TicketSettings(),
    "assignment": AssignmentSettings(),
    "email": EmailSettings(),
    "teams": TeamDirectory(),
}

pytestmark = pytest.mark.faults


def _settings(now: Any) -> Sequence[Event]:
    return [
        SettingsChanged.model_validate(
            {"id": f"evt_{area}", "account_id": "acc_1", "time": now, "area": area, "version": 1}
            | {"value": value.model_dump(mode="json")}
        )
        for area, value in SETTINGS.items()
    ]


async def _die(tmp_path: Path, url: str, point: str, path: str, body: Any) -> int | None:
    """Run the service and ask this of it, until it kills itself at `point`; how it ended."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING_SERVICE, str(tmp_path), url, point, path, json.dumps(body),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        return await child.wait()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "point",
    ["tickets.merge_claimed:1", "tickets.merge_claimed:2", "tickets.published:1", "tickets.merge_departed:1"],
)
async def test_a_killed_merge_is_finished_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, tmp_path: Path, valkey_url: str, point: str
):
    """Wherever a merge is killed: one thread with every message, each event once, nothing sent, no gap (L5, L7)."""
    told: list[Event] = []

    async def note(events: Sequence[Event]) -> None:
        told.extend(events)

    other = make_platform("reporting")
    for topic in (TICKET_EVENTS, OUTBOUND_MESSAGES):
        other.bus.subscribe(Subscription(topic, "observer", note))
    await other.bus.start()
    messages = [inbox.mail("one"), inbox.mail("two")]
    platform = make_platform("tickets")
    async with running((create_service(platform), platform)):
        await other.bus.publish([*_settings(other.clock.now()), *messages])
        added = await eventually(lambda: _two([e for e in told if isinstance(e, TicketMessageAdded)]), seconds=20)
    source, target = (event.ticket_id for event in added)
    ended = await _die(tmp_path, valkey_url, point, f"/v1/tickets/{source}/merge", {"into": target})
    platform = make_platform("tickets")
    service = create_service(platform)
    transport = httpx.ASGITransport(app=service.api)
    async with running((service, platform)), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        http.headers.update(await sign_in(platform))
        await eventually(lambda: _two({e.id: e for e in told if isinstance(e, TicketMerged)}), seconds=20)
        gone = (await http.get(f"/v1/tickets/{source}")).json()
        here = (await http.get(f"/v1/tickets/{target}")).json()
        thread = (await http.get(f"/v1/tickets/{target}/messages")).json()["items"]
    await other.bus.stop()
    once = {event.id: event for event in told if isinstance(event, TicketEvent)}.values()

    assert ended == -signal.SIGKILL
    assert (gone["status"], gone["merged_into"], here["merged"]) == ("closed", target, [source])
    assert sorted(message["text"] for message in thread) == ["one", "two"]
    assert [event.ticket_id for event in once if isinstance(event, TicketClosed)] == [source]
    for ticket_id in (source, target):
        numbers = sorted(event.seq for event in once if event.ticket_id == ticket_id)
        assert numbers == list(range(1, len(numbers) + 1))
    assert [event for event in told if isinstance(event, OutboundMessageRequested)] == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["tickets.split_intended:1", "tickets.split_inserted:1", "tickets.split_moved:1"])
async def test_a_killed_split_is_finished_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, tmp_path: Path, valkey_url: str, point: str
):
    """Wherever a split is killed: two tickets, each message once, each event once, nothing sent, no gap (L5, L7)."""
    told: list[Event] = []

    async def note(events: Sequence[Event]) -> None:
        told.extend(events)

    other = make_platform("reporting")
    for topic in (TICKET_EVENTS, OUTBOUND_MESSAGES):
        other.bus.subscribe(Subscription(topic, "observer", note))
    await other.bus.start()
    messages = [inbox.mail("one", mail_id="1@c"), inbox.mail("two", in_reply_to=["1@c"])]
    platform = make_platform("tickets")
    async with running((create_service(platform), platform)):
        await other.bus.publish([*_settings(other.clock.now()), *messages])
        added = await eventually(lambda: _two([e for e in told if isinstance(e, TicketMessageAdded)]), seconds=20)
    source = added[0].ticket_id
    ended = await _die(
        tmp_path, valkey_url, point, f"/v1/tickets/{source}/split", {"message_ids": [added[1].message_id]}
    )
    platform = make_platform("tickets")
    service = create_service(platform)
    transport = httpx.ASGITransport(app=service.api)
    async with running((service, platform)), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        http.headers.update(await sign_in(platform))
        said = await eventually(lambda: _two({e.id: e for e in told if isinstance(e, TicketSplit)}), seconds=20)
        target = next(iter(said.values())).target_id
        threads = [(await http.get(f"/v1/tickets/{one}/messages")).json()["items"] for one in (source, target)]
        shown = [(await http.get(f"/v1/tickets/{one}")).json() for one in (source, target)]
    await other.bus.stop()
    once = {event.id: event for event in told if isinstance(event, TicketEvent)}.values()

    assert ended == -signal.SIGKILL
    assert [[message["text"] for message in thread] for thread in threads] == [["one"], ["two"]]
    assert [(ticket["message_count"], ticket["follow_up_of"]) for ticket in shown] == [(1, None), (1, source)]
    for ticket_id in (source, target):
        numbers = sorted(event.seq for event in once if event.ticket_id == ticket_id)
        assert numbers == list(range(1, len(numbers) + 1))
    assert [event for event in told if isinstance(event, OutboundMessageRequested)] == []


def _two(found: Any) -> Any:
    return found if len(found) == 2 else None
