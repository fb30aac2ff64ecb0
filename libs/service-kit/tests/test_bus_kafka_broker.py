"""What reads from Kafka waits for records and not for a round of looking."""

import asyncio

import pytest
from aiokafka.errors import ConsumerStoppedError
from prometheus_client import CollectorRegistry

from service_kit.bus.kafka import KafkaBus
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.broker import WaitingConsumer
from service_kit.testing.bus_harness import new_topic, running, step

pytestmark = [pytest.mark.engines, pytest.mark.timeout(60)]

LOOK_MS = 20


async def test_a_consumer_returns_with_records_or_when_it_is_stopped(kafka_url: str) -> None:
    """Ten looks at an empty topic end nothing; then a record does, and in the end the stop."""
    topic = new_topic()
    consumer = WaitingConsumer(
        topic.name, bootstrap_servers=list(KafkaAddress.parse(kafka_url).servers), auto_offset_reset="earliest"
    )
    async with running(KafkaBus(kafka_url, source="tickets", topics=[topic], registry=CollectorRegistry())) as bus:
        await consumer.start()
        reading = asyncio.create_task(consumer.getmany(timeout_ms=LOOK_MS))
        early, _ = await asyncio.wait({reading}, timeout=10 * LOOK_MS / 1000)
        await bus.publish([step(1)])
        records = await asyncio.wait_for(reading, 30)
        again = asyncio.create_task(consumer.getmany(timeout_ms=LOOK_MS))
        await consumer.stop()
        with pytest.raises(ConsumerStoppedError):
            await again

    assert not early
    assert [len(several) for several in records.values()] == [1]
