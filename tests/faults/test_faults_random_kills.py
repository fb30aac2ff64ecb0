"""`kill -9` of the process, and of its Valkey alone, at random moments of mixed traffic with duplicates."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from faults.agents import until_answered
from faults.budget import Amount
from faults.chaos import Chaos
from faults.drama import Stage, played

pytestmark = [pytest.mark.faults]


@pytest.mark.timeout(0)
async def test_nothing_is_lost_or_doubled_by_random_kills(
    stage: Stage, tmp_path: Path, chance: Random, pytestconfig: pytest.Config
) -> None:
    """Whatever is killed when, all promises to customers, agents and subscribers are kept (I2-I4, I8, A6, W1, W5)."""
    messages = pytestconfig.getoption("--faults-messages", default=1000)
    process_kills = pytestconfig.getoption("--faults-process-kills", default=4)
    valkey_kills = pytestconfig.getoption("--faults-valkey-kills", default=3)
    async with played(stage, tmp_path, chance, customers=max(10, min(80, messages // 25))) as drama:
        await drama.system.boot()
        chaos = Chaos(drama.system, drama.history, chance, messages=messages)
        async with asyncio.timeout(60 + messages / 5), asyncio.TaskGroup() as group:
            group.create_task(chaos.rage(process_kills=process_kills, valkey_kills=valkey_kills))
            acts = Amount(messages // 6)
            for agent in drama.agents:
                group.create_task(agent.work(acts, pause_seconds=0.1))
            await drama.crowd.write(Amount(messages))
            await until_answered(drama.history, messages // 20)
            acts.end()
        broken = await drama.verdict()

    assert broken == []
    assert drama.history.acknowledged == messages
    assert len(drama.history.replies("answered")) >= messages // 20
