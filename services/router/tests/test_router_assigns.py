"""The router on its engines: from a ticket's event to the decision, through duplicates, refusals and time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.tickets import (
    TicketAssigned,
    TicketClosed,
    TicketEvent,
    TicketReopened,
    TicketSnoozed,
    TicketTagsChanged,
    TicketUnassigned,
    TicketUnsnoozed,
)
from service_kit.testing.eventually import eventually

MONDAY_NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
OFFICE = {
    "name": "Office",
    "zone": "UTC",
    "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}


async def _seen(world: Any, ticket_id: str) -> None:
    """Until the router has looked at a ticket that is known to come after everything said before."""
    await world.create(ticket_id)
    await eventually(lambda: any(decision.ticket_id == ticket_id for decision in world.decisions))


async def test_a_new_ticket_goes_to_whoever_is_online(world: Any) -> None:
    """A fresh account has round robin on and no schedule: the first message is answered by whoever is online."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "bob")

    await world.create("t1")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    (explained,) = await world.explained("t1")
    assert explained["chosen"] == "acc-bob"
    assert explained["rule"] == "round_robin"
    assert {(c["agent_id"], c["eligible"], c["reason"]) for c in explained["candidates"]} == {
        ("acc-ann", False, "offline"),
        ("acc-bob", True, None),
        ("acc-owner", False, "offline"),
    }
    assert await world.queue() == []


async def test_a_ticket_is_decided_once_however_often_its_events_arrive(world: Any) -> None:
    """Duplicates and stale redeliveries change nothing: one decision for each ticket (A6)."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")

    created = await world.create("t1")
    await world.tell(created, created)
    await eventually(lambda: world.chosen() == [("t1", "ann")])
    closed = await world.change("t1", TicketClosed, status="closed")
    await world.tell(created, closed, created)
    await _seen(world, "t2")

    assert world.chosen() == [("t1", "ann"), ("t2", "bob")]


async def test_a_burst_is_spread_evenly(world: Any) -> None:
    """Twenty tickets, three agents: seven, seven and six (A2)."""
    await world.account("acc", "ann", "bob", "cas")
    for name in ("ann", "bob", "cas"):
        await world.switch("acc", name)

    for number in range(20):
        await world.create(f"t{number}")
    await eventually(lambda: len(world.chosen()) == 20)

    names = [name for _, name in world.chosen()]
    assert sorted(names.count(name) for name in ("ann", "bob", "cas")) == [6, 7, 7]


async def test_a_refused_decision_gives_the_turn_back_and_a_new_epoch_is_decided_anew(world: Any) -> None:
    """Somebody changed the ticket in between: the agent is first again, and the ticket is decided for its new epoch."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")
    world.applies = False

    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)
    await world.change("t1", TicketClosed, status="closed")
    await world.refuse(world.decisions[0], "not_open")
    await world.change("t1", TicketReopened, status="open", assignment_epoch=2, cycle=2)
    await eventually(lambda: len(world.decisions) == 2)

    assert world.chosen() == [("t1", "ann"), ("t1", "ann")]
    assert [decision.assignment_epoch for decision in world.decisions] == [1, 2]


async def test_a_refused_agent_is_passed_over_and_the_ticket_waits_when_nobody_is_left(world: Any) -> None:
    """Refused although the ticket is free: the next agent is asked, never the same one again, and it ends."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")
    world.applies = False

    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)
    await world.refuse(world.decisions[0], "unknown_agent")
    await eventually(lambda: len(world.decisions) == 2)
    await world.refuse(world.decisions[1], "unknown_agent")
    await eventually(lambda: len(world.decisions) == 3)

    assert [decision.agent_id for decision in world.decisions] == ["acc-ann", "acc-bob", None]
    assert await world.queue() == ["t1"]


async def test_tickets_wait_in_line_and_drain_when_an_agent_comes_online(world: Any) -> None:
    """First come, first served, in seconds after somebody goes online (A5)."""
    await world.account("acc", "ann")
    for number in range(5):
        await world.create(f"t{number}")
        world.clock.advance(timedelta(seconds=1))
    await eventually(lambda: len(world.decisions) == 5)
    waiting = await world.queue()

    await world.switch("acc", "ann")
    await eventually(lambda: len(world.chosen()) == 5)
    await _drained(world)

    assert waiting == [f"t{number}" for number in range(5)]
    assert [decision["rule"] for decision in await world.explained("t0")] == ["nobody_eligible", "round_robin"]


async def _drained(world: Any) -> None:
    """Returns when nobody waits: a ticket leaves the queue after its decision is out."""

    async def is_empty() -> bool:
        return await world.queue() == []

    await eventually(is_empty)


async def _closed(world: Any) -> str:
    """The account keeps office hours, and it is Friday night; the id of the schedule."""
    schedule = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"schedule_id": schedule["id"]})
    world.clock.advance(timedelta(hours=10))
    return str(schedule["id"])


async def test_a_long_backlog_is_assigned_completely_oldest_first(world: Any) -> None:
    """More than may be in flight at once: the rest follows as tickets answers, and nobody is passed (A4, A5)."""
    await world.account("acc", "ann", "bob")
    await _closed(world)
    await world.stay_online("acc", "ann", "bob")
    count = 210
    for number in range(count):
        world.clock.advance(timedelta(milliseconds=1))
        await world.create(f"t{number}")
    await eventually(lambda: len(world.decisions) == count, seconds=20)

    world.clock.move_to(MONDAY_NINE)
    await eventually(lambda: len(world.chosen()) == count, seconds=20)

    assert dict(world.chosen()) == {f"t{number}": "bob" if number % 2 else "ann" for number in range(count)}
    await _drained(world)


async def test_outside_hours_tickets_wait_and_are_assigned_at_the_opening(world: Any) -> None:
    """Nothing is assigned while closed, also to those online; the backlog goes out when hours open (A4)."""
    await world.account("acc", "ann")
    await _closed(world)
    await world.stay_online("acc", "ann")

    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)
    (at_night,) = await world.explained("t1")
    world.clock.move_to(MONDAY_NINE)
    await eventually(lambda: world.chosen() == [("t1", "ann")])

    assert at_night["chosen"] is None
    assert {candidate["reason"] for candidate in at_night["candidates"]} == {"outside_hours"}
    assert at_night["schedule_version"] == 1
    assert (await world.explained("t1"))[-1]["at"].startswith("2026-11-23T09:00:00")


async def test_hours_that_open_earlier_wake_the_queue_earlier(world: Any) -> None:
    """A changed schedule is looked at at once, not at the opening that was known before (A4, A5)."""
    await world.account("acc", "ann")
    schedule_id = await _closed(world)
    await world.stay_online("acc", "ann")
    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)

    world.clock.advance(timedelta(seconds=1))
    always = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    await world.made("PATCH", f"/v1/schedules/{schedule_id}", "acc", json={"weekly": always})
    await eventually(lambda: world.chosen() == [("t1", "ann")])

    assert (await world.explained("t1"))[-1]["schedule_version"] == 2


async def test_manual_assignment_always_works_and_leaves_the_rotation_alone(world: Any) -> None:
    """What a person assigns, snoozes, closes or holds is not assigned automatically (A4, A6)."""
    await world.account("acc", "ann", "bob")
    by_hand: tuple[tuple[type[TicketEvent], dict[str, Any]], ...] = (
        (TicketAssigned, {"assignee_id": "acc-ann"}),
        (TicketSnoozed, {"status": "snoozed"}),
        (TicketClosed, {"status": "closed"}),
        (TicketUnassigned, {"held": True}),
    )
    for number, (kind, changes) in enumerate(by_hand):
        await world.create(f"t{number}")
        await world.change(f"t{number}", kind, **changes)
    await _seen(world, "last")
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")
    await eventually(lambda: world.chosen() == [("last", "ann")])

    await world.change("t1", TicketUnsnoozed, status="open")
    await eventually(lambda: world.chosen() == [("last", "ann"), ("t1", "bob")])

    assert await world.queue() == []


async def test_tags_route_to_a_team_also_when_they_come_later(world: Any) -> None:
    """Evaluated at creation and, while unassigned, on tag change; who lost is recorded (A1)."""
    await world.account("acc", "ann", "bob")
    team = {"name": "Billing", "member_ids": ["acc-bob"], "tags": ["invoice"], "rank": 1}
    billing = await world.made("POST", "/v1/teams", "acc", json=team)
    other = await world.made("POST", "/v1/teams", "acc", json={"name": "Late", "tags": ["invoice"], "rank": 2})
    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)

    world.clock.advance(timedelta(seconds=1))
    await world.change("t1", TicketTagsChanged, tags=("invoice",))
    await eventually(lambda: world.decisions[-1].team_id == billing["id"])
    world.clock.advance(timedelta(seconds=1))
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    explained = (await world.explained("t1"))[-1]
    assert explained["losing_teams"] == [{"team_id": other["id"], "rank": 2, "matched_by": "tag"}]
    assert ("acc-ann", "not_in_team") in {(c["agent_id"], c["reason"]) for c in explained["candidates"]}


async def test_a_segment_that_comes_later_moves_a_waiting_ticket(world: Any) -> None:
    """The contact joins a segment while the ticket waits: it goes to that segment's team (A1)."""
    await world.account("acc", "ann", "bob")
    team = {"name": "Gold", "member_ids": ["acc-bob"], "segments": ["gold"]}
    gold = await world.made("POST", "/v1/teams", "acc", json=team)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"round_robin": False})
    await world.contact("con-t1", 1)
    await world.create("t1")
    await eventually(lambda: _waits(world, "t1"))

    await world.contact("con-t1", 2, "gold")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    assert world.decisions[-1].team_id == gold["id"]
    assert world.decisions[-1].rule == "team_member"


async def _waits(world: Any, ticket_id: str) -> bool:
    return ticket_id in await world.queue()


async def test_a_new_agent_can_be_given_what_waits(world: Any) -> None:
    """Agents join while tickets wait: nothing but their arrival is needed (A5)."""
    await world.account("acc")
    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)

    await world.agents("acc", "owner", "new")
    await world.switch("acc", "new")
    await eventually(lambda: world.chosen() == [("t1", "new")])

    assert await world.queue() == []


async def test_two_accounts_never_mix(world: Any) -> None:
    """Queues, rotations, teams and explanations of one account are invisible in the other."""
    await world.account("acc", "ann")
    await world.account("other", "eve")
    team = await world.made("POST", "/v1/teams", "other", json={"name": "Theirs", "tags": ["vip"]})
    await world.switch("other", "eve")

    await world.create("mine", tags=("vip",))
    await world.create("theirs", "other")
    await eventually(lambda: len(world.decisions) == 2)

    assert world.chosen() == [("theirs", "eve")]
    assert await world.queue("acc") == ["mine"]
    assert await world.queue("other") == []
    assert (await world.call("GET", "/v1/tickets/theirs/decisions", "acc", "owner")).status_code == 404
    assert (await world.call("GET", f"/v1/teams/{team['id']}", "acc", "owner")).status_code == 404
    assert team["id"] not in {decision.team_id for decision in world.decisions if decision.account_id == "acc"}
