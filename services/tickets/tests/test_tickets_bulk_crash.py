"""Kills a real tickets service within a bulk action, and lets the next life finish it (L8)."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.tickets import TicketClosed
from service_kit.docstore import Eq
from service_kit.testing.callers import sign_in
from service_kit.testing.dying_service import Request
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.app import create_service
from tickets.bulk.bulk import BATCH
from tickets.ticket.model import HISTORY, TICKETS
from tickets.ticket.ticket_store import TicketStore

PAST_THE_LEASE = timedelta(minutes=2)
POINTS = ("tickets.bulk_begun:1", "tickets.bulk_part_done:2", "tickets.bulk_part_saved:2")

pytestmark = pytest.mark.faults


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_bulk_action_is_finished_by_the_next_life(
    make_platform: Any, running: Any, make_ticket: Any, dies_at: Any, point: str
) -> None:
    """Wherever it is killed: each ticket is closed once, its result is kept, and the same key is the same run (L8)."""
    now = datetime.now(UTC)
    first_life = make_platform("tickets")
    create_service(first_life)  # declares its collections
    await first_life.store.start()
    ids = [f"tic_{number:04}" for number in range(2 * BATCH + 5)]
    tickets = [make_ticket(id=one, number=number, status="open") for number, one in enumerate(ids, 1)]
    await TicketStore(first_life.store).insert(tickets)
    await first_life.store.stop()
    body = {"ids": ids, "action": "close"}
    bulk = Request(path="/v1/tickets/bulk", body=body, headers={"Idempotency-Key": "bulk-1"})
    ended = await dies_at(point, bulk)
    next_life = make_platform("tickets", clock=ManualClock(now + PAST_THE_LEASE))
    service = create_service(next_life)
    async with running((service, next_life)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=service.api), base_url="http://x") as http:
            http.headers.update(await sign_in(next_life))

            async def finished() -> Any:
                [run] = (await http.get("/v1/tickets/bulk")).json()["items"]
                return run if run["state"] == "done" else None

            run = await eventually(finished, seconds=20)
            again = await http.post(bulk.path, json=bulk.body, headers=bulk.headers)
        closed = await next_life.store.collection(TICKETS).get_many(ids)
        events = [await next_life.store.collection(HISTORY).find(Eq("ticket_id", one)) for one in (ids[0], ids[-1])]

    assert ended == -signal.SIGKILL
    assert (run["total"], run["done"], run["failed"]) == (len(ids), len(ids), 0)
    assert again.json() == {"run_id": run["id"], "results": [{"id": one, "ok": True, "code": None} for one in ids]}
    assert {ticket.status for ticket in closed.values()} == {"closed"}
    assert {ticket.event_seq for ticket in closed.values()} == {1}
    told = TicketClosed.model_fields["type"].default
    assert [[entry.type for entry in page.items] for page in events] == [[told], [told]]
