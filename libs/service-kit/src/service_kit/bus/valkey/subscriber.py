"""FastStream's subscriber of one stream, set up so that nothing is acknowledged behind our back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Union

from faststream import AckPolicy
from faststream.redis.message import FAKE_CONSUMER, BatchStreamMessage, RedisBatchStreamMessage
from faststream.redis.subscriber.usecases import StreamBatchSubscriber

from contracts.topic import Topic
from service_kit.bus.port import Subscription
from service_kit.bus.record import Record
from service_kit.bus.valkey.broker import StreamBroker, UncopiedStream
from service_kit.bus.valkey.streams import records_of

POLL_SECONDS = 1.0
"""How long one read waits for records; a stop or a lost server is noticed at the latest after this."""

_CANCELLATIONS = 20
_CANCELLATION_SECONDS = 0.1

Take = Callable[[Sequence[Record]], Awaitable[None]]


def add_subscriber(broker: StreamBroker, subscription: Subscription, take: Take) -> StreamBatchSubscriber:
    """Let the broker read the stream for its group and give every batch to `take`.

    The consumer's name is the group's: this process is its only consumer, and a later life finds what this one
    left pending. The group exists already (FastStream would create it at the end of the stream).
    """
    topic, group = subscription.topic, subscription.group
    subscriber = broker.subscriber(
        stream=UncopiedStream(
            topic.name,
            group=group,
            consumer=group,
            batch=True,
            max_records=subscription.max_records,
            polling_interval=int(POLL_SECONDS * 1000),
        ),
        parser=_parse,
        decoder=_decode,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        no_reply=True,
        title=f"{topic.name}:{group}",
        description=topic.summary,
    )

    async def consume(records: list[Record]) -> None:
        await take(records)

    consume.__annotations__ = {"records": _payload(topic), "return": None}
    subscriber(consume)
    return subscriber


async def end_subscriber(subscriber: StreamBatchSubscriber) -> None:
    """Stop a subscriber and see its read end, so that no second one runs beside the next and connections may close.

    FastStream cancels the read and does not wait; and Python 3.11 loses a cancellation that meets the end of a send
    under `asyncio.wait_for`, so it is repeated.
    """
    reads = set(subscriber.tasks)
    await subscriber.stop()
    for _ in range(_CANCELLATIONS):
        if not reads:
            return
        _, reads = await asyncio.wait(reads, timeout=_CANCELLATION_SECONDS)
        for read in reads:
            read.cancel()


async def _parse(raw: BatchStreamMessage) -> RedisBatchStreamMessage:
    # The stock parser merges all bodies of a batch into one JSON document. FastStream acknowledges nothing: it
    # would only log a failed XACK and read on, so the reader acknowledges and keeps trying.
    return RedisBatchStreamMessage(raw_message=raw, body=b"", consumer=FAKE_CONSUMER, group=None)


async def _decode(message: RedisBatchStreamMessage) -> list[Record]:
    raw = message.raw_message
    return records_of(zip(raw["message_ids"], raw["data"], strict=True))


def _payload(topic: Topic) -> object:
    """The events as a type, for AsyncAPI only: types are not applied to what the broker hands over."""
    return list[Union[topic.events]]  # type: ignore[name-defined]  # noqa: UP007 - made at run time
