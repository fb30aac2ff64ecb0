"""Who would get this, and why, without acting (A9)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.directories import AgentEntry
from contracts.settings import AssignmentSettings
from contracts.tickets import TicketClosed
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner_store import AssignerStore
from router.assigning.simulation import DescribedTicket, Simulation
from router.queue.queue_store import QueueStore
from router.teams.teams import default_team
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

OFFICE = {
    "name": "Office",
    "zone": "UTC",
    "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}


async def _asked(world: Any, **question: Any) -> Any:
    return await world.made("POST", "/v1/assignment/simulate", "acc", json=question)


async def test_a_simulation_says_what_the_decision_then_says(world: Any) -> None:
    """The same agent, team, reasons and rule, twice over: asking takes no turn (A2, A9)."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")

    first, again = await _asked(world), await _asked(world, channel="sms")
    await world.create("t1")
    await eventually(lambda: world.chosen() == [("t1", "ann")])
    (decided,) = await world.explained("t1")

    assert first == again
    assert {name: first[name] for name in ("rule", "chosen", "team_id", "candidates", "losing_teams")} == {
        name: decided[name] for name in ("rule", "chosen", "team_id", "candidates", "losing_teams")
    }


async def test_a_ticket_that_waits_would_go_to_whoever_is_chosen_then(world: Any) -> None:
    """An existing ticket is asked about by its id; it stays where it is."""
    await world.account("acc", "ann")
    await world.create("t1")
    await eventually(lambda: len(world.decisions) == 1)

    answer = await _asked(world, ticket_id="t1")

    assert (answer["rule"], answer["chosen"]) == ("nobody_eligible", None)
    assert {candidate["reason"] for candidate in answer["candidates"]} == {"offline"}
    assert await world.queue() == ["t1"]
    assert len(await world.explained("t1")) == 1


async def test_a_ticket_that_nobody_waits_for_has_no_winner(world: Any) -> None:
    """Closed: the answer says so, and still who stands how."""
    await world.account("acc", "ann")
    await world.create("t1")
    await world.change("t1", TicketClosed, status="closed")
    await world.create("t2")
    await eventually(lambda: any(decision.ticket_id == "t2" for decision in world.decisions))
    await world.switch("acc", "ann")

    answer = await _asked(world, ticket_id="t1")

    assert (answer["rule"], answer["chosen"]) == ("not_waiting", None)
    assert [one["agent_id"] for one in answer["candidates"] if one["eligible"]] == ["acc-ann"]


async def test_a_described_ticket_is_routed_by_tags_segments_and_contact(world: Any) -> None:
    """Tags, segments given or those of the contact, or a team by name; the losers are listed (A1)."""
    await world.account("acc", "ann", "bob")
    gold = await world.made(
        "POST", "/v1/teams", "acc", json={"name": "Gold", "segments": ["gold"], "tags": ["vip"], "rank": 1}
    )
    other = await world.made("POST", "/v1/teams", "acc", json={"name": "Bills", "tags": ["invoice"], "rank": 2})
    await world.contact("con-1", 1, "gold")

    async def is_known() -> bool:
        answer: Any = await _asked(world, contact_id="con-1")
        return bool(answer["team_id"] == gold["id"])

    await eventually(is_known)
    by_tags = await _asked(world, tags=["Invoice", "VIP"])
    by_segments = await _asked(world, contact_id="con-1", segments=[])
    by_hand = await _asked(world, tags=["vip"], team_id=other["id"])

    assert (by_tags["team_id"], [one["team_id"] for one in by_tags["losing_teams"]]) == (gold["id"], [other["id"]])
    assert by_segments["team_id"] not in {gold["id"], other["id"]}
    assert by_hand["team_id"] == other["id"]
    assert {candidate["reason"] for candidate in by_hand["candidates"]} == {"not_in_team"}


async def test_another_moment_has_its_own_hours(world: Any) -> None:
    """Hours count as they are at `at`; who is online counts as it is now (A4)."""
    await world.account("acc", "ann")
    schedule = await world.made("POST", "/v1/schedules", "acc", json=OFFICE)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"schedule_id": schedule["id"]})
    await world.switch("acc", "ann")
    night = world.clock.now() + timedelta(hours=10)

    closed, open_now = await _asked(world, at=night.isoformat()), await _asked(world)

    assert (closed["rule"], closed["schedule_version"]) == ("nobody_eligible", 1)
    assert {candidate["reason"] for candidate in closed["candidates"]} == {"outside_hours"}
    assert open_now["chosen"] == "acc-ann"


class _Facts:
    """An account in which one agent is online."""

    async def read(self, account_id: str, contact_ids: frozenset[str]) -> AccountFacts:
        """The same whatever is asked about."""
        return AccountFacts(
            settings=AssignmentSettings(),
            schedule=None,
            teams=(default_team(account_id, NOON),),
            agents=[AgentEntry(id="ann", name="ann", email="ann@acme.example", role="support")],
            online=frozenset({"ann"}),
            answering_roles=ANSWERING_ROLES,
            segments={},
        )


async def test_asking_writes_nothing(make_platform: PlatformFactory) -> None:
    """Not even the assigner of an account that never had one is made."""
    store = make_platform("router").store
    assigners = AssignerStore(store)
    simulation = Simulation(assigners, QueueStore(store), _Facts(), ManualClock(NOON))
    await store.start()

    answer = await simulation.of_described("acc", DescribedTicket(channel="email"), None)

    left = await assigners.find("acc")
    await store.stop()
    assert (answer.appraisal.chosen, left) == ("ann", None)


async def test_a_question_that_makes_no_sense_is_refused(world: Any) -> None:
    """Every input has a shape and a limit."""
    await world.account("acc", "ann")

    async def answer(question: dict[str, Any]) -> int:
        response = await world.call("POST", "/v1/assignment/simulate", "acc", "ann", json=question)
        return int(response.status_code)

    unknown = [await answer({"ticket_id": "nobody's"}), await answer({"team_id": "nobody's"})]
    flawed = {
        "both": await answer({"ticket_id": "t1", "tags": ["a"]}),
        "channel": await answer({"channel": "pigeon"}),
        "naive": await answer({"at": "2026-11-20T12:00:00"}),
        "too many tags": await answer({"tags": ["a"] * 201}),
        "unknown field": await answer({"assignee": "ann"}),
    }

    assert unknown == [404, 404]
    assert flawed == dict.fromkeys(flawed, 422)
