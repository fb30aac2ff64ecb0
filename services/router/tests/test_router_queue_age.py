"""The longest wait of all accounts: what is told of it, and what it costs to know."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from contracts.tickets import TicketClosed
from router.queue.queue_age import QueueAge
from router.queue.queue_store import QueueStore
from router.queue.queued_ticket import QUEUED_TICKETS, QueuedTicket
from service_kit.docstore import Eq, Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite_queries import DocumentQueries
from service_kit.docstore.sqlite_schema import prepare
from service_kit.docstore.sqlite_table import Table
from service_kit.docstore.sqlite_writes import DocumentWrites
from service_kit.testing.eventually import eventually

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def test_the_longest_wait_of_all_accounts_is_told(world: Any):
    """It grows while nobody takes the ticket, whichever account it is of, and ends with it."""
    registry = CollectorRegistry()
    queue = QueueStore(world.router.store)
    age = QueueAge(queue, world.clock, registry)

    async def told() -> float | None:
        await age.look()
        return registry.get_sample_value("router_queue_oldest_seconds")

    async def waits() -> bool:
        return await queue.oldest_since() is not None

    async def is_over() -> bool:
        return await told() == 0

    await world.account("acc", "ann")
    before = await told()
    await world.create("t1")
    await eventually(waits)
    world.clock.advance(timedelta(hours=1))
    waited = await told()
    await world.change("t1", TicketClosed, status="closed")

    assert (before, waited) == (0, 3600)
    await eventually(is_over)


def test_the_oldest_is_read_off_an_index() -> None:
    """Every fifteen seconds, of all accounts: the first entry of an index, no sort, and no ticket but that one."""
    table = Table(IndexedFields(QUEUED_TICKETS))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection, [table])
        writes = DocumentWrites(table)
        for number in range(20):
            writes.insert(connection, _waiting(number))
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        page = DocumentQueries(table).find(
            connection, Eq("is_waiting", value=True), Sort("queued_at"), limit=1, cursor=None
        )
        connection.set_trace_callback(None)
        plans = [row[3] for one in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {one}")]

    told = "; ".join(plans)
    assert [ticket.ticket_id for ticket in page.items] == ["t1"]
    assert "USING COVERING INDEX queued_tickets by is_waiting, queued_at" in told
    assert "SCAN d" not in told


def _waiting(number: int) -> QueuedTicket:
    """The first of them is with somebody; of several accounts in turn."""
    return QueuedTicket(
        id=f"acc{number % 3}/t{number}",
        account_id=f"acc{number % 3}",
        ticket_id=f"t{number}",
        seq=1,
        epoch=1,
        channel="email",
        contact_id="con",
        is_waiting=number > 0,
        queued_at=NOON + timedelta(seconds=number),
    )
