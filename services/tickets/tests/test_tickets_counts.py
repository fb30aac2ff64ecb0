"""How many tickets each view has: exact up to 1,000, and then that there are more (V1, V2)."""

from collections.abc import Callable
from typing import Any

import pytest

from tickets.ticket.inbox_readers import inbox_readers
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_store import TicketStore


@pytest.fixture
def fill(bench: Any, make_ticket: Callable[..., Ticket]) -> Callable[..., Any]:
    """Stores tickets as they would be there."""
    numbers = iter(range(100_000))

    async def stored(count: int, **given: Any) -> None:
        tickets = [make_ticket(id=f"tic_{number:05}", number=number, **given) for number in list_of(count)]
        await TicketStore(bench.platform.store).insert(tickets)

    def list_of(count: int) -> list[int]:
        return [next(numbers) for _ in range(count)]

    return stored


def _count(count: int, *, more: bool = False) -> dict[str, Any]:
    return {"count": count, "more": more}


async def test_counts(bench: Any, fill: Any):
    """Each view has its own count, of open tickets only; the badge is what the caller has not read of both inboxes."""
    await fill(3, assignee_id="agt_1")
    await fill(2, assignee_id="agt_1", read_by=("agt_1", "agt_2"))
    await fill(4, assignee_id="agt_2", read_by=("agt_1",))
    await fill(5, read_by=("agt_2",))
    await fill(6, read_by=("agt_1",))
    await fill(7, status="closed", assignee_id="agt_1")
    await fill(8, assignee_id="agt_1", hidden_by=("blk_1",))
    counts = await bench.get("/v1/tickets/counts")

    assert counts == {
        "mine": _count(5),
        "unassigned": _count(11),
        "all": _count(20),
        "unread": _count(3 + 5),
        "views": {},
    }


async def test_more_than_a_thousand(bench: Any, fill: Any):
    """A thousand is exact, beyond it there are more; of a saved view alike (V1)."""
    await fill(1_000, tags=("vip",), read_by=("agt_1",))
    saved = await bench.do("POST", "/v1/views", {"name": "VIP", "shared": True, "filter": {"tag": "vip"}})
    exact = await bench.get("/v1/tickets/counts")
    await fill(1, tags=("vip",))
    more = await bench.get("/v1/tickets/counts")
    view = saved.json()["id"]

    assert (exact["all"], exact["unassigned"], exact["views"][view]) == (_count(1_000),) * 3
    assert (more["all"], more["unassigned"], more["views"][view]) == (_count(1_000, more=True),) * 3
    assert (exact["unread"], more["unread"], more["mine"]) == (_count(0), _count(1), _count(0))


async def test_another_accounts_tickets_do_not_count(bench: Any, fill: Any):
    """Counts are of one account (S4)."""
    await fill(2, account_id="acc_2")

    assert (await bench.get("/v1/tickets/counts"))["all"] == _count(0)


@pytest.mark.parametrize(
    ("assignee", "readers", "expected"),
    [
        (None, ("agt_1", "agt_2"), ("unassigned/agt_1", "unassigned/agt_2")),
        ("agt_1", ("agt_1", "agt_2"), ("mine/agt_1",)),
        ("agt_1", ("agt_2",), ()),
        (None, (), ()),
    ],
)
def test_whose_reading_counts(assignee: str | None, readers: tuple[str, ...], expected: tuple[str, ...]):
    """A ticket lies in everybody's *Unassigned* or in its assignee's *My inbox*, and nowhere else (V2)."""

    assert inbox_readers(assignee, readers) == expected
