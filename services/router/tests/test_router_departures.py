"""What agents leave behind who work here no more goes back to the queue (A6)."""

from datetime import UTC, datetime
from typing import Any

from contracts.directories import AgentEntry
from contracts.tickets import TicketAssigned, TicketUnsnoozed
from router.assigning.load import Load
from router.queue.departures import AGENT_LEFT, departed, handed_back, left_behind
from router.queue.queued_ticket import QUEUED_TICKETS, QueuedTicket
from service_kit.testing.eventually import eventually

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AGENTS = [
    AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support", active=name != "ann")
    for name in ("ann", "bob")
]


def test_who_left_is_who_the_directory_says_left() -> None:
    """Somebody whose entry has not arrived yet has not left: their first ticket may be here before it."""
    load = Load(open={"ann": {"email": 1}, "bob": {"email": 1}, "new": {"email": 1}})

    assert (departed(AGENTS), left_behind(AGENTS, load)) == ({"ann"}, ["ann"])


def test_what_they_had_open_is_taken_back_as_it_is_known() -> None:
    """The same knowledge makes the same decision; others keep theirs, and no answer is waited for."""
    held, other = (
        QueuedTicket(
            id=f"acc/{agent_id}",
            account_id="acc",
            ticket_id=agent_id,
            seq=7,
            epoch=2,
            channel="email",
            contact_id="con",
            queued_at=NOON,
            counts_for=agent_id,
            awaits_answer_since=NOON,
        )
        for agent_id in ("ann", "bob")
    )

    first, again = (handed_back([held, other], {"ann"}, None, NOON) for _ in range(2))

    (decision,) = first.decisions
    assert first == again
    assert (decision.rule, decision.returned_from, decision.as_of_seq) == (AGENT_LEFT, "ann", 7)
    assert (first.tickets[0].returned_from, first.tickets[0].awaits_answer_since) == ("ann", None)
    assert first.tickets[1] is other


async def test_tickets_of_an_agent_who_leaves_go_to_others(world: Any) -> None:
    """Assigned automatically or by hand, open or woken later: somebody who works here has them, explained (A9)."""
    await world.account("acc", "ann", "bob")
    await world.stay_online("acc", "ann")
    await world.create("t1")
    await eventually(lambda: world.chosen() == [("t1", "ann")])
    await world.create("t2", status="snoozed", assignee_id="acc-ann")
    await world.create("t3", assignee_id="acc-ann")
    await eventually(lambda: _has_open(world, "ann", 2))

    await world.agents("acc", "owner", "bob", inactive=["ann"])
    await eventually(lambda: sum(one.rule == AGENT_LEFT for one in world.decisions) == 2)
    await world.change("t2", TicketUnsnoozed, status="open", assignment_epoch=2)
    await world.stay_online("acc", "bob")
    await eventually(lambda: sorted(world.chosen()[1:]) == [("t1", "bob"), ("t2", "bob"), ("t3", "bob")])

    told = {one["rule"]: one["explanation"] for one in await world.explained("t1")}
    assert told[AGENT_LEFT] == "ann works here no more: the ticket went back to the queue."


async def _has_open(world: Any, name: str, count: int) -> bool:
    answer = await world.made("GET", f"/v1/availability/acc-{name}", "acc")
    return sum(answer["open"].values()) == count


async def test_what_is_assigned_to_somebody_who_left_comes_back_too(world: Any) -> None:
    """The assignment crossed the departure: the router knows of the one when it hears of the other."""
    await world.account("acc", "ann", "bob")
    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)
    await world.agents("acc", "owner", "bob", inactive=["ann"])
    await eventually(lambda: _works_no_more(world, "ann"))

    await world.change("t1", TicketAssigned, assignee_id="acc-ann", assignment_epoch=2)
    await eventually(lambda: world.decisions[-1].rule == AGENT_LEFT)

    assert await eventually(lambda: _is_free(world, "t1"))


async def _works_no_more(world: Any, name: str) -> bool:
    answer = await world.made("GET", "/v1/availability", "acc")
    return f"acc-{name}" not in {item["agent_id"] for item in answer["items"]}


async def _is_free(world: Any, ticket_id: str) -> bool:
    stored = await world.router.store.collection(QUEUED_TICKETS).get(f"acc/{ticket_id}")
    return bool(stored and stored.is_free)
