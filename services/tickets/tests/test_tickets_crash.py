"""Kills a real tickets service between two effects, and lets the next life finish what it left (I3, I4)."""

import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.routing import AssignmentDecided
from contracts.settings import (
    SmsAutoResponder,
    SmsSettings,
)
from contracts.tickets import TicketAssigned, TicketCreated, TicketEvent, TicketMessageAdded
from contracts.topics import OUTBOUND_MESSAGES, TICKET_EVENTS
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from tickets.app import create_service
from tickets.ledger.intake_entry import INTAKE

ANSWERING = SmsSettings(auto_responder=SmsAutoResponder(mode="all", text="Thanks"))

pytestmark = pytest.mark.faults


@asynccontextmanager
async def _listening(make_platform: Callable[..., Platform]) -> AsyncIterator[tuple[Platform, list[Event]]]:
    """Another service, which publishes for the gateways and hears everything that tickets says."""
    other = make_platform("reporting")
    told: list[Event] = []

    async def note(events: Sequence[Event]) -> None:
        told.extend(events)

    for topic in (TICKET_EVENTS, OUTBOUND_MESSAGES):
        other.bus.subscribe(Subscription(topic, "observer", note))
    await other.bus.start()
    yield other, told
    await other.bus.stop()


def _once(told: Sequence[Event]) -> list[TicketEvent]:
    """What a consumer makes of it: each event of a ticket once, in order."""
    seen = {event.id: event for event in told if isinstance(event, TicketEvent)}
    return sorted(seen.values(), key=lambda event: event.seq)


@pytest.mark.parametrize(
    "point", ["tickets.message_inserted", "tickets.ticket_written", "tickets.published", "contacts.published"]
)
async def test_a_killed_intake_is_finished_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, first_settings: Any, dies_at: Any, point: str
):
    """Wherever intake is killed: one ticket, each message once, one answer, one verdict, no gap in its events (I4)."""
    messages = [inbox.sms("one", provider_id="SM1"), inbox.sms("two", provider_id="SM2")]
    async with _listening(make_platform) as (other, told):
        await other.bus.publish([*first_settings(other.clock.now(), sms=ANSWERING), *messages])
        ended = await dies_at(point)
        platform = make_platform("tickets")
        service = create_service(platform)
        transport = httpx.ASGITransport(app=service.api)
        async with running((service, platform)), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            http.headers.update(await sign_in(platform))
            ledger = platform.store.collection(INTAKE)
            entries = await eventually(lambda: _all_found(ledger, [message.id for message in messages]), seconds=20)
            [ticket] = (await http.get("/v1/tickets")).json()["items"]
            thread = (await http.get(f"/v1/tickets/{ticket['id']}/messages")).json()["items"]
            history = (await http.get(f"/v1/tickets/{ticket['id']}/events")).json()["items"]
            await eventually(lambda: len(_once(told)) >= len(history), seconds=20)

    requested = {event.message_id: event.text for event in told if isinstance(event, OutboundMessageRequested)}
    assert ended == -signal.SIGKILL
    assert [entry.verdict for entry in entries] == ["created", "appended"]
    assert [message["text"] for message in thread] == ["one", "Thanks", "two", "Thanks"]
    assert [message["seq"] for message in thread] == [1, 2, 3, 4]
    assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
    assert [event.type for event in _once(told)] == [event["type"] for event in history]
    assert sorted(requested.values()) == ["Thanks", "Thanks"]
    assert len([event for event in _once(told) if isinstance(event, TicketCreated)]) == 1
    assert len([event for event in _once(told) if isinstance(event, TicketMessageAdded)]) == 4


async def test_a_killed_assignment_is_said_by_the_next_life(
    make_platform: Any, running: Any, inbox: Any, first_settings: Any, dies_at: Any
):
    """Killed after applying a decision and before saying so, the next life says it, once (A6)."""
    message = inbox.mail()
    async with _listening(make_platform) as (other, told):
        await other.bus.publish([*first_settings(other.clock.now(), sms=ANSWERING), message])
        platform = make_platform("tickets")
        async with running((create_service(platform), platform)):
            await eventually(lambda: [event for event in told if isinstance(event, TicketMessageAdded)], seconds=20)
        created = next(event for event in told if isinstance(event, TicketCreated))
        decision = AssignmentDecided(
            id="dec_1",
            account_id="acc_1",
            time=created.time,
            ticket_id=created.ticket_id,
            assignment_epoch=created.ticket.assignment_epoch,
            team_id="tea_1",
            rule="tags",
        )
        await other.bus.publish([decision])
        ended = await dies_at("tickets.decision_applied")
        unsaid = [event for event in told if isinstance(event, TicketAssigned)]
        platform = make_platform("tickets")
        async with running((create_service(platform), platform)):
            await eventually(lambda: [event for event in told if isinstance(event, TicketAssigned)], seconds=20)

    [assigned] = [event for event in _once(told) if isinstance(event, TicketAssigned)]
    assert ended == -signal.SIGKILL
    assert unsaid == []
    assert (assigned.decision_id, assigned.ticket.team_id) == ("dec_1", "tea_1")
    assert [event.seq for event in _once(told)] == [1, 2, 3]


async def _all_found(ledger: Any, ids: Sequence[str]) -> list[Any]:
    found = await ledger.get_many(ids)
    return [found[an_id] for an_id in ids] if len(found) == len(ids) else []
