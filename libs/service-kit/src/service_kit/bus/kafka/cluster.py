"""The cluster's own state: its brokers, and its topics with their leaders and replicas."""

import asyncio
import random
from collections.abc import Collection
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError, LeaderNotAvailableError, NoError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from service_kit.bus.kafka.connection import unavailable
from service_kit.bus.kafka.topology import FoundPartition, FoundTopics
from service_kit.bus.port import BusUnavailable

_PRESENT = (NoError, LeaderNotAvailableError)


class Cluster:
    """Asks any broker that answers; never creates what it asks for."""

    def __init__(self, options: dict[str, Any], *, timeout_seconds: float) -> None:
        self._options = options
        self._timeout_seconds = timeout_seconds
        self._client: AIOKafkaClient | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            BusUnavailable: the cluster did not answer in time.
        """
        await self.close()
        half = int(self._timeout_seconds * 1000 / 2)  # so that one silent broker leaves time to ask another
        self._client = AIOKafkaClient(**self._options, request_timeout_ms=half)
        with unavailable("connecting"):
            async with asyncio.timeout(self._timeout_seconds):
                await self._client.bootstrap()

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def count_brokers(self) -> int:
        """How many brokers are up.

        Raises:
            BusUnavailable: none answered in time.
        """
        return len((await self._describe([]))["brokers"])

    async def topics(self, names: Collection[str]) -> FoundTopics:
        """Those of the named topics that exist.

        Raises:
            BusUnavailable: no broker answered in time.
        """
        answer = await self._describe(list(names))
        return {
            topic["topic"]: [
                FoundPartition(one["leader"], len(one["replicas"]), len(one["isr"])) for one in topic["partitions"]
            ]
            for topic in answer["topics"]
            if for_code(topic["error_code"]) in _PRESENT and topic["partitions"]
        }

    async def _describe(self, names: list[str]) -> dict[str, Any]:
        if self._client is None:
            raise BusUnavailable("the bus is not started")
        with unavailable("describing the cluster"):
            async with asyncio.timeout(self._timeout_seconds):
                nodes = [broker.nodeId for broker in self._client.cluster.brokers()]
                random.shuffle(nodes)
                last: KafkaError = KafkaConnectionError("no broker is known")
                for node in nodes:
                    try:
                        answer = await self._client.send(node, MetadataRequest(names, allow_auto_topic_creation=False))
                    except KafkaError as error:
                        last = error
                    else:
                        described: dict[str, Any] = answer.to_object()
                        return described
                raise last
