"""The process dies at every named point between two effects, under traffic that goes on through all its lives."""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from random import Random

import httpx
import pytest

from faults.administrator import Administrator
from faults.budget import Endless
from faults.crash_paths import CRASH_PATHS, FOUNDING
from faults.drama import Drama, Stage, played
from faults.system import new_system
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.faults]

KILLED = -signal.SIGKILL
MESSAGES_AFTERWARDS = 10
"""So many more are acknowledged after the last death."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("path", CRASH_PATHS)
async def test_promises_are_kept_over_deaths_at_named_points(
    path: str, stage: Stage, tmp_path: Path, chance: Random
) -> None:
    """Dying between any two effects of the path loses nothing and doubles nothing (I2, I3, I4, I8, A6, W1, W5)."""
    async with played(stage, tmp_path, chance, customers=6) as drama:
        administrator = Administrator(drama.system, drama.cast, chance)
        enough = Endless()
        async with asyncio.TaskGroup() as group:
            group.create_task(drama.crowd.write(enough, pause_seconds=0.2))
            if path == "settings":
                group.create_task(administrator.work(enough, pause_seconds=0.05))
            else:
                for agent in drama.agents:
                    group.create_task(agent.work(enough, pause_seconds=0.2))
            endings = await _die_at(drama, CRASH_PATHS[path])
            enough.end()
        broken = await drama.verdict() + await administrator.broken_promises()
        await administrator.close()

    assert endings == dict.fromkeys(CRASH_PATHS[path], KILLED)
    assert broken == []


@pytest.mark.timeout(120)
async def test_a_first_start_that_died_is_finished_by_the_next(tmp_path: Path) -> None:
    """However the making of the first account is interrupted, there is one account, and its owner can come in."""
    async with new_system(tmp_path, {}) as system:
        endings = []
        for point in FOUNDING:
            system.start(crash_at=point)
            endings.append(await system.until_dead())
        await system.boot()
        owner = system.owner
        async with httpx.AsyncClient(base_url=system.base_url) as http:
            login = {"email": owner["email"], "password": owner["password"]}
            signed_in = await http.post("/v1/sessions", json=login)
            key = {"Authorization": f"Bearer {owner['api_key']}"}
            agents = (await http.get("/v1/agents", headers=key)).json()["items"]
            email = (await http.get("/v1/settings/email", headers=key)).json()

    assert endings == [KILLED] * len(FOUNDING)
    assert signed_in.is_success, signed_in.text
    assert [agent["id"] for agent in agents] == [owner["agent_id"]]
    assert list(email["addresses"]) == [owner["support_address"]]


async def _die_at(drama: Drama, points: Sequence[str]) -> dict[str, int]:
    """Live and die at one point after the other, and live on after the last; how each life ended."""
    endings = {}
    for point in points:
        drama.system.start(crash_at=point)
        endings[point] = await drama.system.until_dead(because=f"it should have died at {point}")
    known = drama.history.acknowledged
    await drama.system.boot()
    await eventually(lambda: drama.history.acknowledged >= known + MESSAGES_AFTERWARDS, seconds=20)
    return endings
