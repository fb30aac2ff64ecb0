"""One action on many tickets, answered per ticket and as it goes (L8)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.ids import derive_id
from contracts.tickets import TicketClosed, TicketTagsChanged
from service_kit.auth import Principal
from service_kit.testing.callers import api_key, sign_in
from tickets.bulk.bulk import BATCH, MAX_BULK_TICKETS, BulkChange
from tickets.bulk.bulk_run import begun
from tickets.bulk.bulk_run_store import BulkRunStore
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_store import TicketStore

STREAM = "application/x-ndjson"
ACCOUNT = "acc_1"


@pytest.fixture
def fill(bench: Any, make_ticket: Callable[..., Ticket]) -> Callable[..., Any]:
    """Stores tickets as they would be there; their ids."""

    async def stored(count: int, **given: Any) -> list[str]:
        at = bench.clock.now()
        tickets = [
            make_ticket(
                id=f"tic_{number:05}",
                number=number,
                updated_at=at + timedelta(seconds=number),
                **{"status": "open", **given},
            )
            for number in range(count)
        ]
        await TicketStore(bench.platform.store).insert(tickets)
        return [ticket.id for ticket in tickets]

    return stored


async def _bulk(bench: Any, **body: Any) -> list[Any]:
    answer = await bench.do("POST", "/v1/tickets/bulk", body)
    assert answer.status_code == httpx.codes.OK, answer.text
    return list(answer.json()["results"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"action": "priority", "priority": "urgent"}, {"priority": "urgent"}),
        ({"action": "add_tags", "tags": ["vip"]}, {"tags": ["old", "vip"]}),
        ({"action": "remove_tags", "tags": ["old", "none"]}, {"tags": []}),
        ({"action": "tags", "tags": []}, {"tags": []}),
        ({"action": "snooze", "preset": "tomorrow"}, {"status": "snoozed", "snoozed_until": "2026-11-22T09:00:00Z"}),
        ({"action": "snooze", "until": "2027-01-01T00:00:00Z"}, {"snoozed_until": "2027-01-01T00:00:00Z"}),
        ({"action": "read"}, {"unread": False}),
        ({"action": "close"}, {"status": "closed"}),
        ({"action": "assign", "agent_id": "agt_2"}, {"assignee": {"id": "agt_2", "name": "Ben"}}),
    ],
    ids=lambda value: str(value.get("action", "")),
)
async def test_actions(bench: Any, fill: Any, asked: Any, expected: Any):
    """Every action reaches every ticket, and does nothing more when it is repeated (L8)."""
    ids = await fill(3, tags=("old",))
    results = await _bulk(bench, ids=ids, **asked)
    once = await bench.tickets()
    await _bulk(bench, ids=ids, **asked)
    twice = await bench.tickets()

    assert results == [{"id": one, "ok": True, "code": None} for one in ids]
    assert [{name: ticket[name] for name in expected} for ticket in once] == [expected] * 3
    assert twice == once


async def test_unread_is_the_callers_own(bench: Any, fill: Any):
    """Marking many as unread takes them from the caller's read ones only (V2, L8)."""
    ids = await fill(2, read_by=("agt_1", "agt_2"))
    await _bulk(bench, ids=ids, action="unread")
    ben = await bench.as_agent("agt_2")
    of_ben = (await bench.http.get("/v1/tickets", headers=ben)).json()["items"]

    assert [ticket["unread"] for ticket in await bench.tickets()] == [True, True]
    assert [ticket["unread"] for ticket in of_ben] == [False, False]


async def test_each_on_its_own(bench: Any, fill: Any):
    """What cannot be done to one is done to the others; what is another account's is not found (L8, S4)."""
    ids = await fill(2, status="closed")
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    results = await _bulk(bench, ids=[ids[0], "tic_9", ids[0]], action="snooze", preset="tomorrow")
    body = {"ids": ids, "action": "close"}
    foreign = await bench.http.post("/v1/tickets/bulk", json=body, headers=stranger)

    assert [(one["id"], one["code"]) for one in results] == [(ids[0], "ticket_closed"), ("tic_9", "not_found")]
    assert {one["code"] for one in foreign.json()["results"]} == {"not_found"}


async def test_too_many_tags(bench: Any, fill: Any):
    """A ticket that has its share of tags is refused more, the others are not (L8)."""
    [full] = await fill(1, tags=tuple(f"t{number}" for number in range(50)))
    results = await _bulk(bench, ids=[full], action="add_tags", tags=["one-more"])
    same = await _bulk(bench, ids=[full], action="add_tags", tags=["t1"])

    assert [one["code"] for one in results + same] == ["too_many_tags", None]


async def test_by_filter(bench: Any, fill: Any):
    """A filter stands for all that a list with it shows (V1, L8)."""
    ids = await fill(BATCH + 5, tags=("old",))
    await _bulk(bench, ids=ids[:3], action="close")
    results = await _bulk(bench, filter={"tag": "old"}, action="priority", priority="high")
    none = await _bulk(bench, filter={"tag": "new", "status": "any"}, action="close")
    page = await bench.get("/v1/tickets", priority="high", status="any", limit=200)

    assert {one["id"] for one in results} == set(ids[3:]) == {ticket["id"] for ticket in page["items"]}
    assert none == []


async def test_a_stream(bench: Any, fill: Any):
    """A stream has a line for every ticket, says how far it is, and its last line says that it is whole (L8)."""
    ids = await fill(2 * BATCH + 1)
    answer = await bench.do("POST", "/v1/tickets/bulk", {"ids": [*ids, "tic_x"], "action": "close"}, accept=STREAM)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    await bench.hear(TicketClosed, count=len(ids))

    assert answer.headers["content-type"].startswith(STREAM)
    assert [line["id"] for line in lines if "id" in line] == [*ids, "tic_x"]
    assert [line["progress"]["done"] for line in lines if "progress" in line] == [BATCH, 2 * BATCH, 2 * BATCH + 2]
    assert lines[-1] == {"end": {"done": 2 * BATCH + 2, "failed": 1, "total": 2 * BATCH + 2}}


async def test_the_same_key_again(bench: Any, fill: Any):
    """With an Idempotency-Key a stream still comes as it goes; the same again does nothing twice (L8)."""
    ids = await fill(3)
    body = {"ids": ids, "action": "add_tags", "tags": ["vip"]}
    headers = {"Idempotency-Key": "bulk-1", "accept": STREAM}
    first = await bench.do("POST", "/v1/tickets/bulk", body, **headers)
    again = await bench.do("POST", "/v1/tickets/bulk", body, **headers)
    other = await bench.do("POST", "/v1/tickets/bulk", body, **{"Idempotency-Key": "bulk-2"})
    replayed = await bench.do("POST", "/v1/tickets/bulk", body, **{"Idempotency-Key": "bulk-2"})
    await bench.hear(TicketTagsChanged, count=3)

    assert first.text == again.text
    assert json.loads(first.text.splitlines()[0])["run"]["id"] != other.json()["run_id"]
    assert replayed.headers["idempotency-replayed"] == "true"
    assert replayed.json() == other.json()
    assert len(bench.heard(TicketTagsChanged)) == 3


async def test_refused_requests(bench: Any):
    """A request that does not say one whole thing is refused before anything is done."""
    flawed = [
        {"action": "close"},
        {"action": "close", "ids": []},
        {"action": "close", "ids": ["tic_1"], "filter": {}},
        {"action": "close", "filter": {"colour": "red"}},
        {"action": "close", "filter": {"view": {"$gt": ""}}},
        {"action": "explode", "ids": ["tic_1"]},
        {"action": "priority", "ids": ["tic_1"]},
        {"action": "add_tags", "ids": ["tic_1"]},
        {"action": "add_tags", "ids": ["tic_1"], "tags": [" "]},
        {"action": "snooze", "ids": ["tic_1"]},
        {"action": "snooze", "ids": ["tic_1"], "preset": "tomorrow", "until": "2027-01-01T00:00:00Z"},
        {"action": "close", "ids": ["tic_1"] * (MAX_BULK_TICKETS + 1)},
    ]
    answers = [await bench.do("POST", "/v1/tickets/bulk", body) for body in flawed]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(422, "invalid_request")] * len(flawed)


async def test_bulk_needs_the_right_to_write(bench: Any):
    """A key that may only read changes nothing (S1)."""
    reader = await api_key(bench.platform, scopes=["tickets:read"])
    answer = await bench.http.post("/v1/tickets/bulk", json={"ids": ["tic_1"], "action": "close"}, headers=reader)

    assert answer.status_code == 403


async def test_reading_needs_an_agent(bench: Any, fill: Any):
    """A key that is nobody's has read nothing: each ticket says so (V2)."""
    ids = await fill(1)
    nobody = await api_key(bench.platform)
    answer = await bench.http.post("/v1/tickets/bulk", json={"ids": ids, "action": "read"}, headers=nobody)

    assert answer.json()["results"] == [{"id": ids[0], "ok": False, "code": "agent_needed"}]


async def test_a_run_is_kept(bench: Any, fill: Any):
    """How far an action is, and what became of each ticket, is read page by page afterwards; not by others (L8, S4)."""
    ids = await fill(BATCH + 3)
    answer = await bench.do("POST", "/v1/tickets/bulk", {"ids": [*ids, "tic_x"], "action": "close"})
    run_id = answer.json()["run_id"]
    path = f"/v1/tickets/bulk/{run_id}"
    shown = await bench.get(path)
    pages, cursor = list[Any](), None
    while not pages or cursor is not None:
        page = await bench.get(f"{path}/results", limit=BATCH // 2 + 1, **({"cursor": cursor} if cursor else {}))
        pages.append(page["items"])
        cursor = page["next_cursor"]
    listed = await bench.get("/v1/tickets/bulk")
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    foreign = [await bench.http.get(one, headers=stranger) for one in (path, f"{path}/results")]
    tampered = await bench.do("GET", f"{path}/results?cursor=bm9uZQ")

    assert (shown["action"], shown["state"], shown["by"]["id"]) == ("close", "done", "agt_1")
    assert (shown["total"], shown["done"], shown["failed"]) == (BATCH + 4, BATCH + 4, 1)
    assert [one for page in pages for one in page] == answer.json()["results"]
    assert [len(page) for page in pages] == [BATCH // 2 + 1, BATCH // 2 + 1, 2]
    assert [one["id"] for one in listed["items"]] == [run_id]
    assert [one.status_code for one in foreign] == [404, 404]
    assert (tampered.status_code, tampered.json()["code"]) == (400, "invalid_cursor")


async def test_a_run_that_was_given_up_says_so(bench: Any, fill: Any):
    """The same key as that of an action that never worked is told where to read what was done, and by a stream (L8)."""
    ids = await fill(1)
    request_id = derive_id("idem", ACCOUNT, "agt_1", "POST /v1/tickets/bulk", "key-1")
    principal = Principal(ACCOUNT, "agent", "agt_1", "admin", frozenset({"*"}), "cred_1")
    run, parts = begun(derive_id("run", request_id), principal, BulkChange("close"), ids, bench.clock.now())
    given_up = run.model_copy(update={"state": "failed", "due": (), "due_at": None})
    await BulkRunStore(bench.platform.store).insert(given_up, parts)
    body, key = {"ids": ids, "action": "close"}, {"Idempotency-Key": "key-1"}
    streamed = await bench.do("POST", "/v1/tickets/bulk", body, accept=STREAM, **key)
    refused = await bench.do("POST", "/v1/tickets/bulk", body, **key)

    assert (refused.status_code, refused.json()["code"], refused.json()["run_id"]) == (409, "bulk_given_up", run.id)
    assert [json.loads(line) for line in streamed.text.splitlines()] == [{"run": {"id": run.id}}]


async def test_a_run_is_of_what_was_meant_when_it_began(bench: Any, fill: Any):
    """What "tomorrow" says is the day after the action began, however much later it is carried on (L2, L8)."""
    ids = await fill(1)
    answer = await bench.do("POST", "/v1/tickets/bulk", {"ids": ids, "action": "snooze", "preset": "tomorrow"})
    run = await BulkRunStore(bench.platform.store).find(ACCOUNT, answer.json()["run_id"])

    assert run is not None
    assert run.change.end == datetime(2026, 11, 22, 9, tzinfo=UTC)
