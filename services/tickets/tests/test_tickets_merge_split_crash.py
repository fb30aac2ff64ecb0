"""Kills a real tickets service within a merge or a split, and lets the next life finish it (L7)."""

import signal
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.tickets import TicketClosed, TicketEvent, TicketMerged, TicketMessageAdded, TicketSplit
from contracts.topics import OUTBOUND_MESSAGES, TICKET_EVENTS
from service_kit.bus import Subscription
from service_kit.testing.callers import sign_in
from service_kit.testing.dying_service import Request
from service_kit.testing.eventually import eventually
from tickets.app import create_service

pytestmark = pytest.mark.faults


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "point",
    ["tickets.merge_claimed:1", "tickets.merge_claimed:2", "tickets.published:1", "tickets.merge_departed:1"],
)
async def test_a_killed_merge_is_finished_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, first_settings: Any, dies_at: Any, point: str
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
        await other.bus.publish([*first_settings(other.clock.now()), *messages])
        added = await eventually(lambda: _two([e for e in told if isinstance(e, TicketMessageAdded)]), seconds=20)
    source, target = (event.ticket_id for event in added)
    ended = await dies_at(point, Request(path=f"/v1/tickets/{source}/merge", body={"into": target}))
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
    make_platform: Any, running: Any, inbox: Any, first_settings: Any, dies_at: Any, point: str
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
        await other.bus.publish([*first_settings(other.clock.now()), *messages])
        added = await eventually(lambda: _two([e for e in told if isinstance(e, TicketMessageAdded)]), seconds=20)
    source = added[0].ticket_id
    body = {"message_ids": [added[1].message_id]}
    ended = await dies_at(point, Request(path=f"/v1/tickets/{source}/split", body=body))
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
