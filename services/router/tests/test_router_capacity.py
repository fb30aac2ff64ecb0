"""Capacity, channels and the least loaded: from ticket events to decisions (A7)."""

from datetime import timedelta
from typing import Any

from contracts.tickets import TicketAssigned, TicketClosed, TicketReopened, TicketSnoozed
from service_kit.testing.eventually import eventually


async def _limit(world: Any, name: str, **change: Any) -> Any:
    return await world.made("PATCH", f"/v1/availability/acc-{name}", "acc", json=change)


async def _rule(world: Any, **change: Any) -> None:
    await world.made("PATCH", "/v1/settings/assignment", "acc", json=change)


async def _arrived(world: Any, *ticket_ids: str, **facts: Any) -> None:
    """Tickets one after the other, each decided about before the next comes."""
    for ticket_id in ticket_ids:
        world.clock.advance(timedelta(seconds=1))
        await world.create(ticket_id, **facts)
        await eventually(lambda ticket_id=ticket_id: any(one.ticket_id == ticket_id for one in world.decisions))


async def _open(world: Any, name: str) -> dict[str, int]:
    shown: dict[str, int] = (await world.made("GET", f"/v1/availability/acc-{name}", "acc"))["open"]
    return shown


async def _has(world: Any, name: str, **counts: int) -> None:
    async def as_told() -> bool:
        return await _open(world, name) == counts

    await eventually(as_told)


async def test_nobody_is_given_more_than_fits(world: Any) -> None:
    """At capacity is a reason; the ticket waits, and is assigned when a ticket is closed (A5, A7)."""
    await world.account("acc", "ann", "bob")
    await _rule(world, capacity={"per_agent": 1})
    await world.stay_online("acc", "ann", "bob")

    await _arrived(world, "t1", "t2", "t3")
    (waiting,) = await world.explained("t3")
    await world.change("t2", TicketClosed, status="closed", assignment_epoch=2)
    await eventually(lambda: len(world.chosen()) == 3)

    assert [one["reason"] for one in waiting["candidates"]] == ["at_capacity", "at_capacity", "offline"]
    assert world.chosen() == [("t1", "ann"), ("t2", "bob"), ("t3", "bob")]


async def test_the_queue_is_served_in_order_as_capacity_is_freed(world: Any) -> None:
    """First come, first served: what waited longest goes out, not the newcomer that comes with the place (A5)."""
    await world.account("acc", "ann")
    await _rule(world, capacity={"per_agent": 1})
    await world.stay_online("acc", "ann")
    await _arrived(world, "t1", "t2", "t3")

    await world.change("t1", TicketClosed, status="closed", assignment_epoch=2)
    await _arrived(world, "t4")
    await eventually(lambda: len(world.chosen()) == 2)
    await world.change("t2", TicketSnoozed, status="snoozed", assignment_epoch=2)
    await eventually(lambda: len(world.chosen()) == 3)

    assert [ticket_id for ticket_id, _ in world.chosen()] == ["t1", "t2", "t3"]


async def test_channels_are_limited_apart(world: Any) -> None:
    """A chat more than fits waits, while mail still goes to the same agent (A7)."""
    await world.account("acc", "ann")
    await _rule(world, capacity={"per_channel": {"web_chat": 1}})
    await world.stay_online("acc", "ann")

    await _arrived(world, "c1", "c2", channel="web_chat")
    await _arrived(world, "m1", "m2")

    assert [ticket_id for ticket_id, _ in world.chosen()] == ["c1", "m1", "m2"]
    await _has(world, "ann", web_chat=1, email=2)


async def test_by_hand_counts_but_is_never_refused(world: Any) -> None:
    """Manual assignment works at capacity and takes room; reassigning moves the load (A4, A7)."""
    await world.account("acc", "ann", "bob")
    await _rule(world, capacity={"per_agent": 1})
    await world.stay_online("acc", "ann")
    await _arrived(world, "t1", "t2")

    await world.change("t2", TicketAssigned, assignee_id="acc-ann", assignment_epoch=2)
    await _has(world, "ann", email=2)
    await world.change("t1", TicketAssigned, assignee_id="acc-bob", assignment_epoch=2)
    await _has(world, "bob", email=1)

    assert await _open(world, "ann") == {"email": 1}
    assert world.chosen() == [("t1", "ann")]


async def test_a_refused_decision_gives_its_capacity_back(world: Any) -> None:
    """The place that was kept for it goes to whoever waits (A2, A7)."""
    await world.account("acc", "ann")
    await _rule(world, capacity={"per_agent": 1})
    await world.stay_online("acc", "ann")
    world.applies = False
    await _arrived(world, "t1", "t2")

    world.tickets["t1"].facts = world.tickets["t1"].facts.model_copy(update={"held": True, "assignment_epoch": 2})
    await world.refuse(world.decisions[0], "held")
    await eventually(lambda: world.chosen() == [("t1", "ann"), ("t2", "ann")])

    assert await world.queue() == []


async def test_redelivered_events_count_once(world: Any) -> None:
    """Old and repeated events change no load (A7)."""
    await world.account("acc", "ann")
    await world.stay_online("acc", "ann")
    created = await world.create("t1")
    await _has(world, "ann", email=1)
    closed = await world.change("t1", TicketClosed, status="closed", assignment_epoch=2)
    reopened = await world.change("t1", TicketReopened, status="open", assignment_epoch=3)

    await world.tell(created, closed, reopened, closed, created)
    await _arrived(world, "t2")

    await _has(world, "ann", email=2)


async def test_the_least_loaded_is_chosen_first(world: Any) -> None:
    """Fewest open tickets wins, whoever's turn it would be; ties go to the oldest assignment (A7)."""
    await world.account("acc", "ann", "bob")
    await _rule(world, strategy="least_loaded")
    await world.stay_online("acc", "ann", "bob")
    await _arrived(world, "t1", "t2", "t3")
    await world.change("t1", TicketClosed, status="closed", assignment_epoch=2)
    await world.change("t3", TicketClosed, status="closed", assignment_epoch=2)
    await _has(world, "ann")

    await _arrived(world, "t4", "t5")

    assert world.chosen() == [("t1", "ann"), ("t2", "bob"), ("t3", "ann"), ("t4", "ann"), ("t5", "bob")]
    assert {decision.rule for decision in world.decisions} == {"least_loaded"}


async def test_an_agent_answers_only_their_channels(world: Any) -> None:
    """No permission for a channel is a reason; permitting it lets the ticket out at once (A5, A9)."""
    await world.account("acc", "ann")
    await world.stay_online("acc", "ann")
    await _limit(world, "ann", channels=["email"])
    await _arrived(world, "s1", channel="sms")
    await _arrived(world, "m1")
    (waiting,) = await world.explained("s1")

    await _limit(world, "ann", channels=None)
    await eventually(lambda: world.chosen() == [("m1", "ann"), ("s1", "ann")])

    assert [one["reason"] for one in waiting["candidates"]] == ["no_permission", "offline"]


async def test_limits_of_ones_own_replace_the_accounts(world: Any) -> None:
    """Set, kept apart from what is not named, and reset; raising them drains the queue (A5, A7)."""
    await world.account("acc", "ann")
    await _rule(world, capacity={"per_agent": 1, "per_channel": {"sms": 5}})
    await world.stay_online("acc", "ann")
    await _arrived(world, "t1", "t2")

    raised = await _limit(world, "ann", capacity={"per_agent": 2})
    await eventually(lambda: world.chosen() == [("t1", "ann"), ("t2", "ann")])
    barred = await _limit(world, "ann", channels=["email", "email"])
    reset = await _limit(world, "ann", capacity=None)

    assert raised["capacity"] == {"per_agent": 2, "per_channel": {}}
    assert (barred["capacity"]["per_agent"], barred["channels"]) == (2, ["email"])
    assert (reset["capacity"]["per_agent"], reset["channels"]) == (None, ["email"])


async def test_a_limit_that_is_lowered_takes_nothing_away(world: Any) -> None:
    """Whoever has more than fits keeps it, and is given nothing until there is room again (A7)."""
    await world.account("acc", "ann")
    await world.stay_online("acc", "ann")
    await _arrived(world, "t1", "t2")
    await _has(world, "ann", email=2)

    await _rule(world, capacity={"per_agent": 1})
    await _arrived(world, "t3")
    await world.change("t1", TicketClosed, status="closed", assignment_epoch=2)
    await _has(world, "ann", email=1)
    still = await world.queue()
    await world.change("t2", TicketClosed, status="closed", assignment_epoch=2)
    await eventually(lambda: world.chosen()[-1] == ("t3", "ann"))

    assert still == ["t3"]


async def test_limits_that_make_no_sense_are_refused(world: Any) -> None:
    """Only admins set them, for agents there are, within bounds (A3: the switch is not among them)."""
    await world.account("acc", "ann")

    async def answer(who: str, agent: str, change: dict[str, Any]) -> int:
        response = await world.call("PATCH", f"/v1/availability/{agent}", "acc", who, json=change)
        return int(response.status_code)

    answers = {
        "not an admin": await answer("ann", "acc-ann", {"channels": ["sms"]}),
        "unknown agent": await answer("owner", "nobody", {"channels": ["sms"]}),
        "channel": await answer("owner", "acc-ann", {"channels": ["pigeon"]}),
        "negative": await answer("owner", "acc-ann", {"capacity": {"per_agent": -1}}),
        "too many": await answer("owner", "acc-ann", {"capacity": {"per_agent": 10_001}}),
        "unknown field": await answer("owner", "acc-ann", {"online": True}),
    }

    assert answers == {
        "not an admin": 403,
        "unknown agent": 404,
        "channel": 422,
        "negative": 422,
        "too many": 422,
        "unknown field": 422,
    }
