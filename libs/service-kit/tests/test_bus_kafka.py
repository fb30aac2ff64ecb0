"""The bus contract on Apache Kafka, with a real broker that is really killed."""

import asyncio
from collections.abc import Iterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from contracts.topic import Topic
from engines.kafka import KafkaCluster
from service_kit.bus.kafka import KafkaBus
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.records import headers_of, key_of
from service_kit.bus.patience import Patience
from service_kit.bus.record import Record
from service_kit.testing.bus_contract import BusContract
from service_kit.testing.bus_harness import QUICK

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]


class KafkaHarness:
    """One node of its own, and buses on it."""

    comes_back_seconds = 120.0

    def __init__(self, cluster: KafkaCluster) -> None:
        self._cluster = cluster
        self._restart: asyncio.Task[None] | None = None

    def bus(self, *topics: Topic, patience: Patience = QUICK, registry: CollectorRegistry | None = None) -> KafkaBus:
        """A bus that gives up on an absent broker soon."""
        return KafkaBus(
            self._cluster.url,
            source="tickets",
            topics=topics,
            patience=patience,
            registry=registry or CollectorRegistry(),
            ready_timeout_seconds=10.0,
        )

    async def append(self, topic: Topic, record: Record) -> None:
        """Write a record as any client can."""
        producer = AIOKafkaProducer(**KafkaAddress.parse(self._cluster.url).client_options())
        await producer.start()
        await producer.send_and_wait(topic.name, record.value, key=key_of(record), headers=headers_of(record))
        await producer.stop()

    async def kill(self) -> None:
        """SIGKILL; a task starts it again."""
        if self._restart is not None:
            await self._restart
        await asyncio.to_thread(self._cluster.kill_node, 0)
        self._restart = asyncio.create_task(asyncio.to_thread(self._cluster.start_node, 0))

    async def take_down(self) -> None:
        """Kill it until `bring_up`."""
        await asyncio.to_thread(self._cluster.kill_node, 0)

    async def bring_up(self) -> None:
        """Start it on the same files and address."""
        await asyncio.to_thread(self._cluster.start_node, 0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """One broker for the whole contract: its tests kill it, so nobody else may use it."""
    with KafkaCluster() as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(cluster: KafkaCluster) -> KafkaHarness:
    """Every test has its own topics."""
    return KafkaHarness(cluster)


@pytest.mark.asyncio(loop_scope="module")
class TestKafkaBus(BusContract):
    """Every promise of the port."""
