"""Our members of Kafka's groups: they join, are looked after while they live, and leave in order."""

import asyncio
from collections.abc import Mapping

import structlog
from faststream.kafka.subscriber.usecase import BatchSubscriber

from service_kit.bus.kafka.connection import FAILURES
from service_kit.bus.kafka.reader import PartitionReader
from service_kit.bus.kafka.subscriber import GRACE_SECONDS, REQUEST_SECONDS, end_subscriber
from service_kit.stop_signal import StopSignal

_TEND_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Members:
    """One member for each subscription of a service."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._readers: dict[PartitionReader, BatchSubscriber] = {}
        self._stopping = StopSignal()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def subscribers(self) -> Mapping[PartitionReader, BatchSubscriber]:
        """What reads for whom."""
        return self._readers

    @property
    def trouble(self) -> str | None:
        """Which member is not well, if one is not and should be."""
        if self._stopping.is_set:
            return None
        for task in self._tasks:
            if task.done():
                return f"a reader has ended: {task.exception()!r}"
        for reader, subscriber in self._readers.items():
            if reader.trouble is not None:
                return reader.trouble
            if not subscriber.running:
                return f"{subscriber.topic_names[0]} is not read by {subscriber.group_id}"
        return None

    def add(self, reader: PartitionReader, subscriber: BatchSubscriber) -> None:
        """One more; only before they join."""
        self._readers[reader] = subscriber

    async def join(self) -> None:
        """All at once: each waits for its own group."""
        starts = [subscriber.start() for subscriber in self._readers.values()]
        for result in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    def tend(self) -> None:
        """Look after them from now on."""
        self._tasks = [
            asyncio.create_task(self._tend(reader, subscriber)) for reader, subscriber in self._readers.items()
        ]

    async def leave(self) -> None:
        """Let handlers in flight finish (retries and pauses end at once), then consume no more."""
        self._stopping.set()
        for reader in self._readers:
            reader.let_go()
        await self._end()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            for result in await asyncio.gather(*self._tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    log.error("reader_had_ended", source=self._source, error=repr(result))
        await self._end()  # one may have been starting anew until now

    async def _end(self) -> None:
        await asyncio.gather(*(end_subscriber(subscriber) for subscriber in self._readers.values()))

    async def _tend(self, reader: PartitionReader, subscriber: BatchSubscriber) -> None:
        """Measure the lag; start the subscriber anew if it ended, or if records wait and none are delivered."""
        is_told = False
        while await self._stopping.pause(_TEND_SECONDS):
            try:
                await self._look_after(reader, subscriber)
            except FAILURES as error:
                if not is_told:
                    log.warning("topic_not_observed", topic=subscriber.topic_names[0], error=repr(error))
                is_told = True
            else:
                is_told = False

    async def _look_after(self, reader: PartitionReader, subscriber: BatchSubscriber) -> None:
        if subscriber.running and subscriber.consumer is not None and not reader.is_starved:
            await reader.observe(subscriber.consumer)
            return
        if subscriber.running:
            log.warning("subscriber_starved", topic=subscriber.topic_names[0], group=subscriber.group_id)
        await end_subscriber(subscriber)  # also what a start that failed has left open
        async with asyncio.timeout(REQUEST_SECONDS):
            await subscriber.start()
