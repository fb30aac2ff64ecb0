"""A ticket followed live: nothing twice, nothing missing, and no longer than its reader may (L6, A3)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from contracts.people import Actor
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.event_stream import ServerEvent, following
from tickets.app import create_service
from tickets.live.live_ticket import without_gap
from tickets.ticket.model import HistoryEntry, Ticket, entry_id


async def _open_ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def _events(bench: Any, ticket_id: str) -> list[dict[str, Any]]:
    return list((await bench.get(f"/v1/tickets/{ticket_id}/events"))["items"])


async def _tag(bench: Any, ticket_id: str, *tags: str) -> None:
    assert (await bench.do("PUT", f"/v1/tickets/{ticket_id}/tags", {"tags": list(tags)})).is_success


def _shown(event: ServerEvent) -> tuple[int, str]:
    assert event.id == str(event.data["seq"])
    return event.data["seq"], event.data["type"]


async def test_first_what_was_missed_then_what_happens(bench: Any) -> None:
    """A stream from event 0 tells the whole history by number, and goes on with what happens, as `/events` does."""
    ticket_id = await _open_ticket(bench)
    headers = await bench.as_agent("agt_2")
    async with following(bench.service.api, f"/v1/tickets/{ticket_id}/stream?after_seq=0", headers) as stream:
        before = [_shown(await stream.next("ticket")) for _ in await _events(bench, ticket_id)]
        await _tag(bench, ticket_id, "vip")
        live = _shown(await stream.next("ticket", seconds=2))
    history = [(event["seq"], event["type"]) for event in await _events(bench, ticket_id)]

    assert [*before, live] == history
    assert live[1] == "support.ticket.tags_changed.v1"


async def test_a_stream_without_a_place_begins_now(bench: Any) -> None:
    """What happened before is not told; `ready` says from which event the stream goes on."""
    ticket_id = await _open_ticket(bench)
    newest = (await _events(bench, ticket_id))[-1]["seq"]
    headers = await bench.as_agent("agt_2")
    async with following(bench.service.api, f"/v1/tickets/{ticket_id}/stream", headers) as stream:
        ready = await stream.next("ready")
        await _tag(bench, ticket_id, "vip")
        first = await stream.next("ticket")

    assert (ready.id, ready.data["seq"]) == (str(newest), newest)
    assert first.data["seq"] == newest + 1


async def test_a_reader_that_drops_anywhere_misses_nothing(bench: Any) -> None:
    """Wherever the connection breaks, `Last-Event-ID` goes on with the next event: no gap and nothing twice."""
    ticket_id = await _open_ticket(bench)
    for number in range(6):
        await _tag(bench, ticket_id, f"tag{number}")
    total = len(await _events(bench, ticket_id))
    headers, seen = await bench.as_agent("agt_2"), list[int]()
    while len(seen) < total:
        place = {"Last-Event-ID": str(seen[-1])} if seen else {}
        # The address still says where the first connection began, as it does in a browser.
        path = f"/v1/tickets/{ticket_id}/stream?after_seq=0"
        async with following(bench.service.api, path, {**headers, **place}) as stream:
            for _ in range(min(len(seen) % 3 + 1, total - len(seen))):
                seen.append((await stream.next("ticket")).data["seq"])

    assert seen == list(range(1, total + 1))


async def test_another_replica_tells_at_once_and_heals(bench: Any, make_platform: Any, running: Any) -> None:
    """What one replica is told another tells, presence too; where the nudge was lost, within seconds all the same."""
    ticket_id = await _open_ticket(bench)
    other = make_platform("tickets", clock=bench.clock)
    service = create_service(other)
    headers = await bench.as_agent("agt_2")
    async with (
        running((service, other)),
        following(service.api, f"/v1/tickets/{ticket_id}/stream", headers) as stream,
    ):
        await stream.next("presence")
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/presence", {"state": "typing"})
        there = await stream.next("presence")
        await _tag(bench, ticket_id, "one")
        first = await stream.next("ticket")
        await bench.platform.redis.client_kill_filter(_type="pubsub")
        await _tag(bench, ticket_id, "two")
        second = await stream.next("ticket", seconds=8)

    assert [(one["name"], one["state"]) for one in there.data["agents"]] == [("Ann", "typing")]
    assert [event.data["data"]["added"] for event in (first, second)] == [["one"], ["two"]]


async def test_writers_at_once_are_told_in_order(bench: Any) -> None:
    """However many change a ticket at the same moment, a stream tells each change once, by its number."""
    ticket_id = await _open_ticket(bench)
    headers = await bench.as_agent("agt_2")
    async with following(bench.service.api, f"/v1/tickets/{ticket_id}/stream", headers) as stream:
        begun = (await stream.next("ready")).data["seq"]
        await asyncio.gather(*(_tag(bench, ticket_id, f"tag{number}") for number in range(12)))
        told = [(await stream.next("ticket")).data["seq"] for _ in range(12)]

    assert told == list(range(begun + 1, begun + 13))


@pytest.mark.parametrize(
    ("there", "told"),
    [([], []), ([4, 5, 6], [4, 5, 6]), ([4, 6, 7], [4]), ([5, 6], []), ([4, 5, 7], [4, 5])],
)
def test_what_is_seen_before_its_predecessor_waits(
    make_ticket: Callable[..., Ticket], there: list[int], told: list[int]
) -> None:
    """After event 3 comes event 4: a later one that a store shows first is told when those before it are there."""
    ticket = make_ticket()
    entries = [
        HistoryEntry(
            id=entry_id(ticket.id, seq),
            account_id=ticket.account_id,
            ticket_id=ticket.id,
            seq=seq,
            version=seq,
            type="support.ticket.closed.v1",
            actor=Actor(kind="system"),
            cause="test",
            at=ticket.created_at,
            data={},
        )
        for seq in there
    ]

    assert [entry.seq for entry in without_gap(entries, 3)] == told


async def test_a_revoked_session_ends_its_streams(bench: Any) -> None:
    """Within two seconds after the logout the stream says why it ends, and opens no more (A3, S2)."""
    ticket_id = await _open_ticket(bench)
    headers = await bench.as_agent("agt_2")
    path = f"/v1/tickets/{ticket_id}/stream"
    async with following(bench.service.api, path, headers) as stream:
        await stream.next("ready")
        token = headers["Authorization"].removeprefix("Bearer ")
        await Credentials(bench.platform.redis, bench.clock).revoke(hash_token(token))
        end = (await stream.rest(seconds=2))[-1]
    async with following(bench.service.api, path, headers) as refused:
        status = refused.status

    assert (end.name, end.data) == ("end", {"reason": "session_ended"})
    assert status == 401


async def test_who_may_not_read_tickets_follows_none(bench: Any) -> None:
    """A key without the scope is refused, another account finds nothing, and a key that may read does (S1, S4)."""
    ticket_id = await _open_ticket(bench)
    callers = [
        await api_key(bench.platform, scopes=["events:write"]),
        await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9"),
        await api_key(bench.platform, scopes=["tickets:read"]),
    ]
    answers = []
    for caller in callers:
        async with following(bench.service.api, f"/v1/tickets/{ticket_id}/stream", caller) as stream:
            answers.append(stream.status)

    assert answers == [403, 404, 200]


@pytest.mark.parametrize("path", ["/v1/tickets/{}/stream", "/v1/tickets/stream?ticket={}"])
async def test_a_place_that_is_none_is_refused(bench: Any, path: str) -> None:
    """`Last-Event-ID` that no stream gave is 400, before anything is told."""
    ticket_id = await _open_ticket(bench)
    caller = await bench.as_agent("agt_2")
    places = ["x", "-1", "1.5", "\uff11", "99999999999999999999"]
    asked = [{**caller, "Last-Event-ID": place.encode()} for place in places]
    answers = [await bench.http.get(path.format(ticket_id), headers=headers) for headers in asked]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(400, "bad_last_event_id")] * len(places)


async def test_streams_of_one_ticket_do_not_hear_another(bench: Any) -> None:
    """What happens in another ticket is no news here."""
    here, there = await _open_ticket(bench), await _open_ticket(bench)
    headers = await bench.as_agent("agt_2")
    async with following(bench.service.api, f"/v1/tickets/{here}/stream", headers) as stream:
        await stream.next("ready")
        await asyncio.gather(_tag(bench, there, "there"), _tag(bench, here, "here"))
        told = await stream.next("ticket")

    assert told.data["data"]["added"] == ["here"]
