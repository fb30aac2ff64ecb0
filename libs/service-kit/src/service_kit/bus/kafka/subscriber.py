"""FastStream's subscriber of one topic, set up so that nothing is committed behind our back."""

import asyncio
from collections.abc import Sequence
from typing import Any, Union

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from contracts.topic import Topic
from service_kit.bus.kafka.group import group_id
from service_kit.bus.kafka.reader import PartitionReader
from service_kit.bus.kafka.records import records_of
from service_kit.bus.port import Subscription
from service_kit.bus.record import Record

REBALANCE_SECONDS = 30
"""How long the group stands still at most for a member that still handles a batch; longer than any sane handler."""

REQUEST_SECONDS = 40
"""Longer than `REBALANCE_SECONDS`: joining a group is one request that lasts until every member has let go."""

_SESSION_SECONDS = 15
"""A member that dies is missed after this. Heartbeats come every second, so a busy loop is forgiven for long."""

_HEARTBEAT_SECONDS = 1
_LONGEST_BATCH_SECONDS = 24 * 3600
"""`max_poll_interval`: a batch that is retried through an outage of hours must not cost its member the partitions.

Whether the member lives is told by its heartbeats, and whether it gets on by `Consumption.trouble`.
"""

_LOOK_MS = 1000
"""What has come is taken at once; so often a consumer looks after itself meanwhile."""

GRACE_SECONDS = 15.0
"""How long a handler in flight may take when the bus stops."""

_LEAVE_SECONDS = 5.0
_CANCELLATIONS = 20
_CANCELLATION_SECONDS = 0.1

log = structlog.get_logger(__name__)

RawBatch = tuple[ConsumerRecord[bytes | None, bytes | None], ...]


class _RewindOnly:
    """The consumer as FastStream may use it: acknowledging does nothing, the reader commits what it has settled.

    FastStream would commit all that was fetched, also what a stopping bus or a lost partition left unhandled.
    """

    def __init__(self, subscriber: BatchSubscriber) -> None:
        self._subscriber = subscriber

    async def commit(self) -> None:
        """Leave it to the reader."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go back after an exception, to where the batch began; partitions lost meanwhile are another member's."""
        consumer = self._subscriber.consumer
        if consumer is not None and partition in consumer.assignment():
            consumer.seek(partition, offset)


def add_subscriber(broker: KafkaBroker, subscription: Subscription, reader: PartitionReader) -> BatchSubscriber:
    """Let the broker read the topic for its group and give every batch to `reader`.

    Partitions go round robin over the group's members. aiokafka's sticky assignor keeps what it knows in its class,
    which all consumers of one process share; and as every rebalance takes all partitions back first, nothing is gained
    by getting the same ones again.
    """
    topic, group = subscription.topic, subscription.group
    subscriber = broker.subscriber(
        topic.name,
        batch=True,
        group_id=group_id(group, topic.name),
        max_records=subscription.max_records,
        batch_timeout_ms=_LOOK_MS,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        max_poll_interval_ms=_LONGEST_BATCH_SECONDS * 1000,
        rebalance_timeout_ms=REBALANCE_SECONDS * 1000,
        session_timeout_ms=_SESSION_SECONDS * 1000,
        heartbeat_interval_ms=_HEARTBEAT_SECONDS * 1000,
        listener=reader,
        decoder=_decode,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        no_reply=True,
        title=f"{topic.name}:{group}",
        description=topic.summary,
    )
    rewinding = _RewindOnly(subscriber)

    async def parse(raw: RawBatch) -> KafkaAckableMessage:
        return KafkaAckableMessage(raw_message=raw, body=b"", consumer=rewinding)

    async def consume(records: list[Record]) -> None:
        consumer = subscriber.consumer
        if consumer is not None:
            await reader.take(records, consumer)

    consume.__annotations__ = {"records": _payload(topic), "return": None}
    subscriber(consume, parser=parse)
    return subscriber


async def end_subscriber(subscriber: BatchSubscriber) -> None:
    """Stop a subscriber and see its end: its loop, and its membership of the group.

    A consumer that waits for its group or for a server that hangs would wait on; without connections it cannot.
    FastStream cancels the loop and does not wait; Python 3.11 may lose a cancellation, so it is repeated.
    """
    loops, consumer = set(subscriber.tasks), subscriber.consumer
    ending = asyncio.create_task(subscriber.stop())
    await asyncio.wait({ending}, timeout=GRACE_SECONDS + _LEAVE_SECONDS)
    if not ending.done() and consumer is not None:
        await consumer._client.close()  # noqa: SLF001 - aiokafka's `stop` has no timeout and no other way out
    await asyncio.wait({ending})
    if ending.cancelled() or ending.exception() is not None:
        subscriber.consumer = None
        log.warning("consumer_not_closed_cleanly", topic=subscriber.topic_names[0], group=subscriber.group_id)
    for _ in range(_CANCELLATIONS):
        if not loops:
            return
        _, loops = await asyncio.wait(loops, timeout=_CANCELLATION_SECONDS)
        for loop in loops:
            loop.cancel()


async def _decode(message: KafkaAckableMessage) -> Sequence[Record]:
    raw: Any = message.raw_message
    return records_of(raw)


def _payload(topic: Topic) -> object:
    """The events as a type, for AsyncAPI only: types are not applied to what the broker hands over."""
    return list[Union[topic.events]]  # type: ignore[name-defined]  # noqa: UP007 - made at run time
