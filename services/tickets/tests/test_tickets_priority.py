"""How pressing a ticket is: set, told, sorted and narrowed by (L8)."""

from datetime import timedelta
from typing import Any

from contracts.people import Actor
from contracts.tickets import TicketPriorityChanged
from tickets.life.life import prioritised

ANN = Actor(kind="agent", id="agt_1")


async def _ticket(bench: Any) -> str:
    bench.clock.advance(timedelta(minutes=1))
    [entry] = await bench.receive(bench.inbox.mail(received_at=bench.clock.now()))
    return str(entry.ticket_id)


async def _prioritise(bench: Any, ticket_id: str, priority: str, **headers: str) -> Any:
    return await bench.do("PUT", f"/v1/tickets/{ticket_id}/priority", {"priority": priority}, **headers)


def test_the_same_priority_again_changes_nothing(make_ticket: Any) -> None:
    """Setting what is set says nothing and raises no version (L5, L8)."""
    ticket = make_ticket(priority="high")

    assert prioritised(ticket, "high", actor=ANN, now=ticket.updated_at) is ticket


def test_urgency_orders_by_priority_and_then_by_time(make_ticket: Any) -> None:
    """The last change counts only among tickets of one priority (L8)."""
    noon = make_ticket().updated_at
    tickets = [
        make_ticket(priority=priority, updated_at=noon + timedelta(microseconds=later))
        for priority in ("low", "normal", "high", "urgent")
        for later in (0, 1, 1_000_000)
    ]

    assert sorted(tickets, key=lambda ticket: ticket.urgency) == tickets


async def test_a_priority(bench: Any):
    """A ticket is normal until somebody says otherwise, and its event tells both (L5, L8)."""
    ticket = await _ticket(bench)
    before = (await bench.get(f"/v1/tickets/{ticket}"))["priority"]
    answer = await _prioritise(bench, ticket, "urgent")
    [said] = await bench.hear(TicketPriorityChanged)

    assert (before, answer.status_code, answer.json()["priority"]) == ("normal", 200, "urgent")
    assert (said.previous, said.ticket.priority, said.actor, said.cause) == ("normal", "urgent", ANN, "agent")


async def test_lists_by_priority(bench: Any):
    """Lists are sorted by priority, of equal ones the newest first, page by page, and narrowed to one (V1, L8)."""
    wanted = {await _ticket(bench): priority for priority in ("normal", "urgent", "low", "high", "normal")}
    for ticket_id, priority in wanted.items():
        await _prioritise(bench, ticket_id, priority)
    first = await bench.get("/v1/tickets", sort="-priority", limit=3)
    rest = await bench.get("/v1/tickets", sort="-priority", limit=3, cursor=first["next_cursor"])
    rising = await bench.get("/v1/tickets", sort="priority")
    urgent = await bench.get("/v1/tickets", priority="urgent")
    listed = [(one["priority"], one["number"]) for one in (*first["items"], *rest["items"])]

    assert listed == [("urgent", 2), ("high", 4), ("normal", 5), ("normal", 1), ("low", 3)]
    assert [(one["priority"], one["number"]) for one in rising["items"]] == listed[::-1]
    assert [one["number"] for one in urgent["items"]] == [2]


async def test_refused_priorities(bench: Any):
    """A word that is none, a stale version and a merged ticket are refused, each with its code (L6, L7, L8)."""
    one, two = await _ticket(bench), await _ticket(bench)
    unknown = await _prioritise(bench, one, "asap")
    stale = await _prioritise(bench, one, "high", **{"If-Match": "99"})
    narrowed = await bench.do("GET", "/v1/tickets?priority=asap")
    await bench.do("POST", f"/v1/tickets/{one}/merge", {"into": two})
    merged = await _prioritise(bench, one, "high")

    assert [(answer.status_code, answer.json()["code"]) for answer in (unknown, stale, narrowed, merged)] == [
        (422, "invalid_request"),
        (412, "stale"),
        (422, "invalid_request"),
        (409, "ticket_merged"),
    ]
