"""The laws of assignment, with real routers and tickets that die, leave and come back while tickets arrive (A2-A6)."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from faults.assignment_checks import peers, spread
from faults.assignment_drama import assignment_played, found_teams, known_versions
from faults.assignment_story import in_order
from faults.budget import Endless
from faults.fleet_engines import FleetEngines, fleet_engines
from faults.floor_manager import Grabber, Shifts, new_hours
from faults.turn_checks import longest_wait

pytestmark = [pytest.mark.faults, pytest.mark.engines, pytest.mark.timeout(0)]

LONGEST_SECONDS = 600
REFUSALS = 8
AGENTS = ("Ada", "Ben", "Chloe", "Dan", "Eve", "Finn")
TEAMS = {"billing": ("Ada", "Ben", "Chloe"), "shipping": ("Chloe", "Dan")}


@pytest.fixture
def messages(pytestconfig: pytest.Config) -> int:
    """How many tickets the largest of these tests makes."""
    return int(pytestconfig.getoption("--faults-messages", default=1000))


@pytest.fixture
def engines(local_engines: None) -> Iterator[FleetEngines]:
    """With nothing in them. They stay up: what befalls them is for the tests of the whole fleet."""
    with fleet_engines(kafka_nodes=1) as started:
        yield started


async def _together(*acts: Coroutine[Any, Any, None]) -> None:
    """All at once; as soon as one fails the others end."""
    async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
        for act in acts:
            group.create_task(act)


async def test_three_routers_deal_evenly_whatever_befalls_them(
    engines: FleetEngines, tmp_path: Path, chance: Random, messages: int
) -> None:
    """Bursts for several teams; routers die, roll, join and leave: nobody is ever two ahead of their like (A1, A2)."""
    messages = max(50, messages // 5)
    async with assignment_played(engines, tmp_path, chance, routers=3, agents=AGENTS) as drama:
        office = await found_teams(drama, TEAMS, messages)
        chaos = drama.chaos(messages)
        acts = [chaos.killing("router")] * 3
        acts += [lambda: chaos.roll("router"), lambda: chaos.scale_out_and_in("router")]
        await _together(chaos.rage(acts), drama.texters.write(messages, lambda: drama.keeps_up() and not chaos.is_late))
        broken = await drama.verdict(office)

    alike = peers(drama.story.given)
    assert broken == []
    assert alike == {drama.ids(*names) for names in (("Ada", "Ben"), ("Chloe",), ("Dan",), ("Eve", "Finn"))}
    assert all(spread(group, drama.story.assigned) <= 1 for group in alike)
    assert len(drama.story.assigned) == len(drama.story.given) == messages


async def test_two_routers_assign_each_ticket_once_to_somebody_at_work(
    engines: FleetEngines, tmp_path: Path, chance: Random, messages: int
) -> None:
    """Routers and tickets are killed, agents come and go, hours change, people assign by hand (A2-A6, A8, A9)."""
    async with assignment_played(engines, tmp_path, chance, routers=2, agents=AGENTS) as drama:
        schedule_id = await new_hours(drama.desk)
        shifts = Shifts(drama.fleet, drama.fleet.owner["api_key"], schedule_id)
        grabber = Grabber(drama.desk, drama.story, drama.players["Ada"].id, chance)
        chaos, budget = drama.chaos(messages), Endless()
        acts = [chaos.killing(service) for service in ("router", "router", "tickets", "tickets")]
        acts += [shifts.switching(drama.players[name]) for name in ("Dan", "Eve", "Finn") for _ in range(3)]
        acts += [shifts.open_or_close] * 6

        async def everybody_acts() -> None:
            await _together(
                chaos.rage(acts),
                drama.texters.write(messages, lambda: drama.keeps_up(is_open=shifts.is_open) and not chaos.is_late),
            )
            await shifts.back_to_work(*drama.players.values())
            budget.end()

        await _together(everybody_acts(), grabber.work(budget, share=0.1))
        broken = await drama.verdict(await known_versions(drama, schedule_id))

    story = drama.story
    reasons = {candidate.reason for one in story.decisions.values() for candidate in one.candidates}
    longest = longest_wait(in_order(drama.office.account_id, story.given))
    assert broken == []
    assert len(story.events) == messages
    assert {"offline", "outside_hours", None} == reasons
    assert grabber.grabbed
    assert longest <= len(AGENTS) + len(story.refused)


async def test_refused_turns_are_made_up_for(
    engines: FleetEngines, tmp_path: Path, chance: Random, messages: int
) -> None:
    """What people assign by hand moves no turn, and each decision they forestall gives its own back (A2, A6, A8)."""
    async with assignment_played(engines, tmp_path, chance, routers=3, agents=AGENTS) as drama:
        grabber = Grabber(drama.desk, drama.story, drama.players["Ada"].id, chance)
        chaos, budget = drama.chaos(messages // 10), Endless()

        async def everybody_acts() -> None:
            await _together(
                chaos.rage([chaos.killing("router")] * 2), drama.texters.write(messages // 10, drama.keeps_up)
            )
            while len(drama.story.refused) < REFUSALS:
                await drama.texters.write(20, drama.keeps_up)
            budget.end()

        await _together(everybody_acts(), grabber.work(budget, share=0.4))
        await drama.until_settled()
        await drama.texters.write(len(drama.story.refused) + len(AGENTS), drama.keeps_up)
        broken = await drama.verdict(drama.office)

    assert broken == []
    assert len(drama.story.refused) >= REFUSALS
    assert spread(drama.ids(*AGENTS), drama.story.assigned) <= 1
