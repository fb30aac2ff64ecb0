"""Processes, engines and lines of production fail one after the other, under mixed traffic with duplicates."""

import asyncio
from collections.abc import Awaitable, Iterator
from pathlib import Path
from random import Random

import pytest

from faults.agents import until_answered
from faults.budget import Amount
from faults.fault_proxy import FaultProxy
from faults.fleet_chaos import FleetChaos
from faults.fleet_drama import FleetDrama, fleet_played
from faults.fleet_engines import FleetEngines, fleet_engines, port_of, through
from faults.line_chaos import LineChaos

pytestmark = [pytest.mark.faults, pytest.mark.engines, pytest.mark.timeout(0)]

QUIET_SECONDS = 420
"""A reply that a sink was twice too slow to take, on a busy machine, is tried again after five minutes."""
LAST_WORDS_SECONDS = 240
"""For agents whose turn comes when customers are done."""
MESSAGES_PER_REPLY = 20
SECONDS_PER_ACT = 20
"""On a machine with two cores, about: most of it waits for groups of Kafka to settle."""
FEWEST_ACTS = 12
MESSAGES_PER_SECOND = 7
"""All customers together: what FerretDB takes with two cores for everything. Beyond that its writes time out, which
is another test's subject."""


@pytest.fixture
def acts(pytestconfig: pytest.Config) -> int:
    """How often something fails. In a long run every kind has its turn, in a short one chance picks."""
    return max(FEWEST_ACTS, int(pytestconfig.getoption("--faults-seconds", default=0)) // SECONDS_PER_ACT)


@pytest.fixture
def messages(pytestconfig: pytest.Config) -> int:
    """How many customers send."""
    return int(pytestconfig.getoption("--faults-seconds", default=0)) * MESSAGES_PER_SECOND or int(
        pytestconfig.getoption("--faults-fleet-messages", default=600)
    )


@pytest.fixture
def engines(local_engines: None) -> Iterator[FleetEngines]:
    """Three brokers, so that one may be lost; with nothing in them."""
    with fleet_engines(kafka_nodes=3) as started:
        yield started


async def _play(drama: FleetDrama, chaos: Awaitable[None], messages: int) -> list[str]:
    """Everybody acts while chaos rages; every broken promise."""

    async def rage() -> None:
        await chaos

    acts = Amount(messages // 6)
    async with asyncio.timeout(300 + messages), asyncio.TaskGroup() as group:
        group.create_task(rage())
        for agent in drama.agents:
            group.create_task(agent.work(acts, pause_seconds=0.1))
        await drama.crowd.write(Amount(messages), pause_seconds=drama.crowd.size / MESSAGES_PER_SECOND)
        await until_answered(drama.history, messages // MESSAGES_PER_REPLY, LAST_WORDS_SECONDS)
        acts.end()
    return await drama.verdict(QUIET_SECONDS)


async def test_nothing_is_lost_or_doubled_whatever_fails(
    engines: FleetEngines, tmp_path: Path, chance: Random, messages: int, acts: int
) -> None:
    """Each service is killed, stands still, rolls or grows, each engine restarts: all promises hold (I2-I4, A6)."""
    async with fleet_played(engines, tmp_path, chance, customers=max(20, min(80, messages // 25))) as drama:
        chaos = FleetChaos(drama.fleet, drama.history, chance, messages=messages)
        broken = await _play(drama, chaos.rage(chaos.acts(acts)), messages)

    assert broken == []
    assert drama.history.acknowledged == messages
    assert len(drama.history.replies("answered")) >= messages // MESSAGES_PER_REPLY


async def test_nothing_is_lost_or_doubled_on_bad_lines(
    engines: FleetEngines, tmp_path: Path, chance: Random, messages: int
) -> None:
    """Connections to the document store and to Valkey break and drag; all promises hold (I2-I4, A6)."""
    messages //= 3
    store, valkey = engines.documents.url, engines.valkey.url
    async with (
        FaultProxy(lambda: [port_of(store)]) as store_line,
        FaultProxy(lambda: [port_of(valkey)]) as valkey_line,
        fleet_played(
            engines,
            tmp_path,
            chance,
            customers=20,
            DESKBUS_STORE_URL=through(store, store_line.port),
            DESKBUS_REDIS_URL=through(valkey, valkey_line.port),
        ) as drama,
    ):
        lines = {"store": store_line, "valkey": valkey_line}
        chaos = LineChaos(lines, drama.history, chance, messages=messages)
        broken = await _play(drama, chaos.rage(cuts=4, slow_downs=2), messages)

    assert broken == []
    assert drama.history.acknowledged == messages
