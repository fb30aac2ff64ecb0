"""Reads everything that the system and the world show."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from faults.cast import Cast
from faults.customers import Crowd
from faults.desk_client import DeskClient
from faults.observation import Message, Observation, Ticket, TicketEvent, Verdict
from faults.site import Site
from faults.world import World

_AT_ONCE = 4

T = TypeVar("T")


async def observe(site: Site, world: World, cast: Cast, crowd: Crowd) -> Observation:
    """Everything there is, of all tickets of the account."""
    async with DeskClient(site.base_url, cast.owner_key, Random(0)) as desk:  # noqa: S311 - pauses only
        tickets = {one["id"]: _ticket(one) async for one in desk.pages("/v1/tickets", status="any", limit=200)}
        messages, events = await _of_tickets(desk, list(tickets))
        ledger = [_verdict(one) async for one in desk.pages("/v1/intake", limit=200)]
        deliveries = {one["message_id"]: one["state"] async for one in desk.pages("/v1/deliveries", limit=200)}
    threads = [pair for visitor in crowd.visitors for pair in await visitor.widget.shown()]
    async with site.bus_view() as bus:
        stream, dead_letters = await bus.ticket_events(), await bus.dead_letters()
    return Observation(
        may_be_given_tickets=frozenset(player.id for player in (*cast.online, cast.switching)),
        tickets=tickets,
        messages=messages,
        events=events,
        stream=stream,
        ledger=ledger,
        deliveries=deliveries,
        mails=tuple(world.mail.mails),
        texts=tuple(world.twilio.texts),
        hooks=tuple(world.hooks.calls),
        threads=threads,
        dead_letters=dead_letters,
    )


async def _of_tickets(
    desk: DeskClient, ids: Sequence[str]
) -> tuple[dict[str, list[Message]], dict[str, list[TicketEvent]]]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def read(ticket_id: str) -> tuple[list[Message], list[TicketEvent]]:
        async with places:
            messages = [_message(one) async for one in desk.pages(f"/v1/tickets/{ticket_id}/messages")]
            events = [_event(one) async for one in desk.pages(f"/v1/tickets/{ticket_id}/events", limit=200)]
            return sorted(messages, key=lambda one: one.seq or 0), events

    found = dict(zip(ids, await asyncio.gather(*map(read, ids)), strict=True))
    return {key: messages for key, (messages, _) in found.items()}, {key: events for key, (_, events) in found.items()}


def _ticket(shown: Mapping[str, Any]) -> Ticket:
    contact = shown["contact"]
    return Ticket(
        id=shown["id"],
        channel=shown["channel"],
        status=shown["status"],
        assignee_id=shown["assignee"] and shown["assignee"]["id"],
        customer=contact["email"] or contact["phone"],
        message_count=shown["message_count"],
        follow_up_of=shown["follow_up_of"],
    )


def _message(shown: Mapping[str, Any]) -> Message:
    return Message(id=shown["id"], seq=shown["seq"], kind=shown["kind"], text=shown["text"])


def _event(shown: Mapping[str, Any]) -> TicketEvent:
    ticket = shown["data"]["ticket"]
    return TicketEvent(
        seq=shown["seq"],
        type=shown["type"],
        cause=shown["cause"],
        epoch=ticket["assignment_epoch"],
        assignee_id=ticket["assignee_id"],
    )


def _verdict(shown: Mapping[str, Any]) -> Verdict:
    provider_id = shown["provider_message_id"]
    return Verdict(
        delivery_id=shown["id"],
        channel=shown["channel"],
        # A chat's names the conversation too, which a widget that sends a message again may not know yet.
        provider_message_id=provider_id.rpartition("/")[2] if shown["channel"] == "web_chat" else provider_id,
        verdict=shown["verdict"],
        ticket_id=shown["ticket_id"],
    )
