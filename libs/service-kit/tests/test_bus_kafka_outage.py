"""Brokers that hang, die or refuse; each test has its own, because it spoils them for others."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from contracts.topic import Topic
from engines.kafka import KafkaCluster
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.testing.bus_harness import (
    QUICK,
    Recorder,
    new_topic,
    numbers,
    publish_stubbornly,
    running,
    step,
    steps,
)
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.timeout(400)]

_DIES_BEFORE_THE_COMMIT = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from service_kit.bus import Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.crash_points import arm
from service_kit.testing.bus_harness import new_topic

async def main():
    url, name, handled = sys.argv[1:]
    async def note(events):
        with Path(handled).open("a") as file:
            file.writelines(f"{event.step}\\n" for event in events)
    topic = replace(new_topic(), name=name, partitions=1)
    bus = KafkaBus(url, source="tickets", topics=[topic])
    bus.subscribe(Subscription(topic, "router", note, max_records=3))
    arm("bus.before_commit", after=2)
    await bus.start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """One node."""
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def three_nodes() -> Iterator[KafkaCluster]:
    """Three nodes; a write needs two of them."""
    with KafkaCluster(nodes=3) as cluster:
        yield cluster


def make_bus(url: str, topic: Topic) -> KafkaBus:
    """A bus that gives up on a silent broker soon."""
    return KafkaBus(
        url, source="tickets", topics=[topic], patience=QUICK, registry=CollectorRegistry(), timeout_seconds=2.0
    )


async def test_broker_that_hangs(cluster: KafkaCluster):
    """A broker that hangs is as bad as none: publishing fails within seconds, and all goes on when it wakes (I3).

    However often the caller tried meanwhile, no more than the first attempt may be stored beside the last.
    """
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(cluster.url, topic)
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        await publish_stubbornly(bus, [step(0)])
        cluster.suspend_node(0)
        try:
            async with asyncio.timeout(12):
                for _ in range(3):
                    with pytest.raises(BusUnavailable):
                        await bus.publish([step(1)])
                with pytest.raises(BusUnavailable):
                    await bus.ping()
        finally:
            cluster.resume_node(0)
        await publish_stubbornly(bus, [step(1), step(2)])
        await eventually(lambda: numbers(recorder.handled) == [0, 1, 2], seconds=30)
        await bus.ping()

    assert numbers(recorder.handled) == [0, 1, 2]
    assert [event.id for event in recorder.handled].count("evt_ann_1") <= 2


async def test_stopping_without_a_broker(cluster: KafkaCluster):
    """A bus stops in bounded time although its broker hangs."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(cluster.url, topic)
    bus.subscribe(Subscription(topic, "router", recorder))
    await bus.provision()
    await bus.start()

    try:
        await publish_stubbornly(bus, [step(0)])
        await eventually(lambda: recorder.handled, seconds=30)
        cluster.suspend_node(0)
        async with asyncio.timeout(40):
            await bus.stop()
    finally:
        cluster.resume_node(0)
        await bus.stop()


async def test_killed_before_the_commit(cluster: KafkaCluster, tmp_path: Path):
    """A batch that was handled but not committed when the process died is handled again; committed ones are not."""
    topic = replace(new_topic(), name="walks-crash-v1", partitions=1)
    handled, recorder = tmp_path / "handled", Recorder()
    async with running(make_bus(cluster.url, topic)) as bus:
        await publish_stubbornly(bus, steps(8))
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DIES_BEFORE_THE_COMMIT, cluster.url, topic.name, str(handled)
    )
    code = await first.wait()
    second = make_bus(cluster.url, topic)
    second.subscribe(Subscription(topic, "router", recorder))
    async with running(second):
        await eventually(lambda: recorder.has_handled(5), seconds=40)

    assert code == -signal.SIGKILL
    assert handled.read_text().split() == ["0", "1", "2", "3", "4", "5"]
    assert numbers(recorder.handled) == [3, 4, 5, 6, 7]


async def test_one_of_three_brokers_dies(three_nodes: KafkaCluster):
    """One of three brokers is killed under traffic and comes back: nothing confirmed is lost, order per key holds."""
    topic, recorder = new_topic(), Recorder()
    walkers = [f"walker{number}" for number in range(20)]
    events = [step(number, walker) for number in range(100) for walker in walkers]
    bus = make_bus(three_nodes.url, topic)
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        for start in range(0, len(events), 50):
            if start == 500:
                await eventually(lambda: recorder.has_handled(200), seconds=30)
                await asyncio.to_thread(three_nodes.kill_node, 0)
            if start == 1500:
                restart = asyncio.create_task(asyncio.to_thread(three_nodes.start_node, 0))
            await publish_stubbornly(bus, events[start : start + 50], seconds=120)
        await eventually(lambda: len({event.id for event in recorder.handled}) == len(events), seconds=120)
        await restart

    assert all(numbers(recorder.handled, walker) == list(range(100)) for walker in walkers)
