"""A broker that answers, and takes no records: too few copies are in step."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import CollectorRegistry

from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.testing.bus_harness import QUICK, Recorder, new_topic, running, step
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(120)]


async def ask_for_copies(url: str, topic: str, many: int) -> None:
    """Say in how many copies a record must be before it counts as stored."""
    client = AIOKafkaAdminClient(**KafkaAddress.parse(url).client_options())
    await client.start()
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"min.insync.replicas": str(many)})
    await client.alter_configs([resource])
    await client.close()


async def test_too_few_copies(kafka_url: str):
    """Nothing is confirmed while the cluster may not write, and nothing is asked twice once it may again (I3)."""
    topic, recorder = new_topic(), Recorder()
    bus = KafkaBus(
        kafka_url,
        source="tickets",
        topics=[topic],
        patience=QUICK,
        registry=CollectorRegistry(),
        timeout_seconds=3.0,
    )
    bus.subscribe(Subscription(topic, "router", recorder))
    await bus.provision()
    await ask_for_copies(kafka_url, topic.name, 2)

    async with running(bus):
        with pytest.raises(BusUnavailable, match="did not confirm"):
            await bus.publish([step(0)])
        await ask_for_copies(kafka_url, topic.name, 1)
        await bus.publish([step(1)])
        await eventually(lambda: step(1) in recorder.handled, seconds=30)

    assert recorder.handled.count(step(1)) == 1
