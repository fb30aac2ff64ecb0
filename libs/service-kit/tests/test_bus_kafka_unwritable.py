"""A broker that answers, and takes no records: too few copies are in step."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from engines.kafka import KafkaCluster
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.testing.bus_harness import QUICK, Recorder, new_topic, publish_stubbornly, running, step
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]


async def test_too_few_copies(local_engines: None):
    """With one broker of three left nothing is confirmed; with two again everything is, and is read (I3)."""
    topic, recorder = new_topic(), Recorder()
    with KafkaCluster(nodes=3) as kafka:
        bus = KafkaBus(
            f"{kafka.url}?replication=3",
            source="tickets",
            topics=[topic],
            patience=QUICK,
            registry=CollectorRegistry(),
            timeout_seconds=3.0,
        )
        bus.subscribe(Subscription(topic, "router", recorder))
        async with running(bus):
            for node in (0, 1):
                await asyncio.to_thread(kafka.kill_node, node)
            with pytest.raises(BusUnavailable):
                await bus.publish([step(0)])
            await asyncio.to_thread(kafka.start_node, 0)
            await publish_stubbornly(bus, [step(1)])
            await eventually(lambda: step(1) in recorder.handled, seconds=60)

    assert step(1) in recorder.handled
