"""FastStream's broker, whose consumers wait for records instead of coming back without any.

After a poll that brought nothing FastStream sleeps as long again, and a record that comes meanwhile waits for it: at
each of its hops.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker


class WaitingConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer that returns when it has something."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Mapping[TopicPartition, Sequence[ConsumerRecord[bytes | None, bytes | None]]]:
        """The next records; it looks again every `timeout_ms`, which must not be 0.

        Raises:
            ConsumerStoppedError: it was stopped.
        """
        if timeout_ms <= 0:
            raise ValueError("timeout_ms must be positive")
        while True:
            records: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes | None, bytes | None]]]
            records = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
            if records:
                return records


class TopicBroker(KafkaBroker):
    """Reads through `WaitingConsumer`."""

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        connected: Any = await super()._connect()
        # FastStream makes a consumer for each subscriber later, by what stands here.
        self.config.broker_config.builder = partial(WaitingConsumer, **connected.keywords)
        return self.config.broker_config.builder
