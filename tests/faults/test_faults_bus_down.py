"""Valkey stands still: every door says "later", nothing acknowledged is lost, and all flows again by itself."""

import asyncio
import signal
from pathlib import Path
from random import Random

import pytest

from faults.budget import Endless
from faults.drama import Drama, Stage, played
from faults.stranger import SILENCE, Stranger
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.faults]

STANDSTILL_SECONDS = 3.0


@pytest.mark.timeout(120)
async def test_a_bus_that_stands_still_costs_nothing_but_time(stage: Stage, tmp_path: Path, chance: Random) -> None:
    """While Valkey is stopped SMTP answers 451, HTTP 503 and the chat no ack; afterwards all is as promised (I3)."""
    async with played(stage, tmp_path, chance, customers=8) as drama:
        await drama.system.boot()
        enough = Endless()
        async with asyncio.TaskGroup() as group:
            group.create_task(drama.crowd.write(enough, pause_seconds=0.2))
            for agent in drama.agents:
                group.create_task(agent.work(enough, pause_seconds=0.2))
            await eventually(lambda: drama.history.acknowledged >= 20, seconds=20)
            answers = await _answers_at_a_standstill(drama)
            known = drama.history.acknowledged
            await eventually(lambda: drama.history.acknowledged >= known + 20, seconds=20)
            enough.end()
        broken = await drama.verdict()

    assert answers.pop("chat") in {SILENCE, "unavailable"}
    assert answers == {"mail": "451", "sms": "503 unavailable"}
    assert broken == []


async def _answers_at_a_standstill(drama: Drama) -> dict[str, str]:
    """What somebody hears who knocks while nothing can be stored."""
    async with Stranger(drama, patience_seconds=STANDSTILL_SECONDS) as stranger:
        drama.system.signal_valkey(signal.SIGSTOP)
        try:
            return await stranger.knock()
        finally:
            drama.system.signal_valkey(signal.SIGCONT)
