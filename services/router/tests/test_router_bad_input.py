"""What goes wrong around assignment: agents vanish, teams stand empty, clocks jump, hours make no sense."""

from datetime import timedelta
from typing import Any

from contracts.tickets import TicketAssigned
from service_kit.testing.eventually import eventually

OFFICE = {"name": "Office", "zone": "UTC", "weekly": {"mon": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]]}}


async def test_a_team_without_members_holds_its_tickets_and_no_others(world: Any) -> None:
    """What is routed there waits with a reason for everybody; the rest is assigned; a member drains it (A1, A5, A9)."""
    await world.account("acc", "ann")
    team = await world.made("POST", "/v1/teams", "acc", json={"name": "Empty", "tags": ["bill"]})
    await world.switch("acc", "ann")
    await world.create("t1", tags=("bill",))
    await world.create("t2")
    await eventually(lambda: world.chosen() == [("t2", "ann")])
    (waiting,) = await world.explained("t1")

    await world.made("PATCH", f"/v1/teams/{team['id']}", "acc", json={"member_ids": ["acc-ann"]})
    await eventually(lambda: world.chosen() == [("t2", "ann"), ("t1", "ann")])

    assert {candidate["reason"] for candidate in waiting["candidates"]} == {"not_in_team"}


async def test_an_agent_who_is_deleted_is_given_nothing_more(world: Any) -> None:
    """Online, in a team and with tickets, then gone: others get what comes, and what they left can be taken over."""
    await world.account("acc", "ann", "bob")
    await world.made("POST", "/v1/teams", "acc", json={"name": "Bills", "tags": ["bill"], "member_ids": ["acc-ann"]})
    await world.stay_online("acc", "ann", "bob")
    await world.create("t1")
    await eventually(lambda: world.chosen() == [("t1", "ann")])

    await world.agents("acc", "owner", "bob")
    await eventually(lambda: _works_no_more(world, "ann"))
    await world.create("t2", tags=("bill",))
    await world.create("t3")
    await eventually(lambda: len(world.decisions) == 3)
    await world.change("t1", TicketAssigned, assignee_id="acc-bob", assignment_epoch=2)
    await eventually(lambda: _has_open(world, "bob", 2))

    assert world.chosen() == [("t1", "ann"), ("t3", "bob")]
    assert await world.queue() == ["t2"]
    assert (await world.call("GET", "/v1/availability/acc-ann", "acc", "owner")).status_code == 404


async def _works_no_more(world: Any, name: str) -> bool:
    answer = await world.made("GET", "/v1/availability", "acc")
    return f"acc-{name}" not in {item["agent_id"] for item in answer["items"]}


async def _has_open(world: Any, name: str, count: int) -> bool:
    answer = await world.made("GET", f"/v1/availability/acc-{name}", "acc")
    return bool(answer["open"] == {"email": count})


async def test_clocks_that_jump_lose_nobody_their_turn_or_ticket(world: Any) -> None:
    """An hour back and a day forward: turns are counted, not timed, and the opening is found again (A2, A4)."""
    await world.account("acc", "ann", "bob")
    schedule = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"schedule_id": schedule["id"]})
    await world.stay_online("acc", "ann", "bob")
    start = world.clock.now()
    for number, jump in enumerate((timedelta(0), timedelta(hours=-1), timedelta(hours=1))):
        world.clock.move_to(start + jump)
        await world.create(f"t{number}")
        await eventually(lambda number=number: len(world.chosen()) == number + 1)

    world.clock.move_to(start + timedelta(hours=10))
    await world.create("t3")
    await eventually(lambda: len(world.decisions) == 4)
    world.clock.move_to(start - timedelta(minutes=30))
    await world.create("t4")
    await eventually(lambda: len(world.chosen()) == 5)

    assert [name for _, name in world.chosen()] == ["ann", "bob", "ann", "bob", "ann"]


async def test_answers_that_a_step_of_the_clock_makes_late_still_count(world: Any) -> None:
    """An hour forward between decision and answer: nothing is decided twice, and each counts once (A6, A7)."""
    world.applies = False
    await world.account("acc", "ann", "bob")
    await world.stay_online("acc", "ann", "bob")
    await world.create("t0")
    await world.create("t1")
    await eventually(lambda: len(world.chosen()) == 2)
    late = list(world.decisions)

    world.clock.advance(timedelta(hours=1))
    await world.create("t2")
    await eventually(lambda: len(world.chosen()) == 3)
    await world.answer(late[0])
    await world.refuse(late[1], "unknown_agent")
    await eventually(lambda: len(world.chosen()) == 4)
    await world.answer(world.decisions[2])
    await world.answer(world.decisions[3])

    assert await eventually(lambda: _has_open(world, "ann", 2))
    assert await eventually(lambda: _has_open(world, "bob", 1))
    assert world.chosen() == [("t0", "ann"), ("t1", "bob"), ("t2", "ann"), ("t1", "bob")]


async def test_hours_that_make_no_sense_are_refused(world: Any) -> None:
    """Nothing of it is stored (H1)."""
    await world.account("acc")
    flaws: list[dict[str, Any]] = [
        {"zone": "Europe/Atlantis"},
        {"zone": "../etc/passwd"},
        {"weekly": {"mon": [["09:00", "09:00"]]}},
        {"weekly": {"mon": [["24:00", "09:00"]]}},
        {"weekly": {"mon": [["9:00", "17:00"]]}},
        {"weekly": {"someday": [["09:00", "17:00"]]}},
        {"weekly": {"mon": [["09:00", "17:00"]] * 25}},
        {"exceptions": [{"date": "2026-02-30"}]},
        {"exceptions": [{"date": "2026-12-25"}] * 2_001},
    ]

    answers = [await world.call("POST", "/v1/schedules", "acc", "owner", json=OFFICE | flaw) for flaw in flaws]
    taken = [flaw for flaw, answer in zip(flaws, answers, strict=True) if answer.status_code != 422]

    assert taken == []
    assert (await world.made("GET", "/v1/schedules", "acc"))["items"] == []


async def test_overlapping_and_inverted_hours_have_a_meaning(world: Any) -> None:
    """Overlaps are open once, and closing before opening means the next day: nothing to refuse (H1)."""
    await world.account("acc", "ann")
    odd = {"weekly": {"fri": [["11:00", "13:00"], ["12:30", "14:00"], ["22:00", "06:00"]]}}
    schedule = await world.made("POST", "/v1/schedules", "acc", json=OFFICE | odd)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"schedule_id": schedule["id"]})
    await world.switch("acc", "ann")

    async def is_open(at: str) -> bool:
        answer = await world.made("POST", "/v1/assignment/simulate", "acc", json={"at": f"2026-11-{at}:00Z"})
        return bool(answer["chosen"])

    found = [await is_open(at) for at in ("20T12:45", "20T14:00", "20T23:00", "21T05:59", "21T06:00")]

    assert found == [True, False, True, True, False]
