"""The bus on Valkey Streams: one stream per topic, one consumer per group, one process that consumes."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from faststream import AckPolicy
from faststream.redis.subscriber.usecases import StreamBatchSubscriber
from prometheus_client import REGISTRY, CollectorRegistry
from redis.exceptions import ResponseError

from contracts.envelope import Event
from contracts.topic import Topic
from service_kit.bus.broker_log import BrokerLog
from service_kit.bus.codec import EventCodec
from service_kit.bus.consumption import Consumption
from service_kit.bus.declarations import Declarations
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.patience import Patience
from service_kit.bus.port import BusUnavailable, DeadLetter, Subscription
from service_kit.bus.valkey.broker import StreamBroker
from service_kit.bus.valkey.connection import FAILURES, open_client, unavailable, wait_until_ready
from service_kit.bus.valkey.dead_letters import DeadLetterStreams
from service_kit.bus.valkey.inspection import missing_groups
from service_kit.bus.valkey.reader import StreamReader
from service_kit.bus.valkey.retention import Retention
from service_kit.bus.valkey.shared_wire import SharedWire
from service_kit.bus.valkey.subscriber import add_subscriber, end_subscriber
from service_kit.bus.valkey.wire import Wire
from service_kit.bus.valkey.writer import StreamWriter
from service_kit.clock import Clock, SystemClock
from service_kit.stop_signal import StopSignal

_TEND_SECONDS = 1.0
_RETENTION_SECONDS = 60.0
_GRACE_SECONDS = 15.0
_PROBE_STREAM = "deskbus-bus-probe"

log = structlog.get_logger(__name__)


class ValkeyBus:
    """The port `Bus` on Valkey Streams.

    A replayed dead letter reaches every group of its topic again, because a stream has one order for all; consumers
    are idempotent anyway. A topic is kept in bounds by the bus of its owner, that is, whose `source` owns it.
    """

    def __init__(
        self,
        url: str,
        *,
        source: str,
        topics: Sequence[Topic],
        clock: Clock | None = None,
        registry: CollectorRegistry = REGISTRY,
        patience: Patience | None = None,
        timeout_seconds: float = 2.0,
        ready_timeout_seconds: float = 60.0,
    ) -> None:
        self._source = source
        self._clock = clock or SystemClock()
        self._patience = patience or Patience()
        self._ready_timeout_seconds = ready_timeout_seconds
        self._declared = Declarations(topics)
        self._codec = EventCodec(topics, source=source)
        self._metrics = BusMetrics.on(registry)
        self._jitter = random.Random().random  # noqa: S311 - spreads retries, guards nothing
        self._stopping = StopSignal()
        self._is_started = False
        self._client = open_client(url, timeout_seconds=timeout_seconds)
        self._wire = SharedWire(Wire(url, timeout_seconds=timeout_seconds))
        self._writer = StreamWriter(self._wire)
        self._dead_letters = DeadLetterStreams(self._client)
        self._retention = Retention(self._client)
        self._readers: dict[StreamReader, StreamBatchSubscriber] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.broker = StreamBroker(
            url,
            timeout_seconds=timeout_seconds,
            graceful_timeout=_GRACE_SECONDS,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            apply_types=False,
            logger=BrokerLog(),
            log_level=logging.DEBUG,
        )

    async def publish(self, events: Sequence[Event]) -> None:
        """Store all events, each on its own topic under its own key, in order; returns when all are confirmed.

        Raises:
            BusUnavailable: Valkey did not confirm.
            RecordTooLarge: one is over a mebibyte; none is stored.
            ForeignEvent: one belongs to no topic of this bus; none is stored.
        """
        if not self._is_started:
            raise BusUnavailable("the bus is not started")
        entries = self._codec.addressed(events)
        if not entries:
            return
        await self._writer.write(entries)
        for entry in entries:
            self._metrics.published.labels(entry.topic, self._source).inc()

    def subscribe(self, subscription: Subscription) -> None:
        """Declare a reader; only before `start`."""
        if self._is_started:
            raise RuntimeError("subscriptions are declared before the bus starts")
        self._declared.add(subscription)
        consumption = Consumption.of(
            subscription,
            decode=partial(self._codec.decode, subscription.topic, only=subscription.only),
            set_aside=partial(self._dead_letters.add, subscription),
            pause=self._stopping.pause,
            jitter=self._jitter,
            patience=self._patience,
            metrics=self._metrics,
        )
        reader = StreamReader(
            self._client,
            self._wire,
            subscription,
            consumption,
            failed_reads=lambda: self.broker.failed_reads,
            pause=self._stopping.pause,
            metrics=self._metrics,
        )
        self._readers[reader] = add_subscriber(self.broker, subscription, reader.take)

    async def provision(self) -> None:
        """Create the declared groups and so their streams; `start` does the same.

        Raises:
            BusUnavailable: Valkey could not be reached in time.
        """
        await wait_until_ready(self._client, timeout_seconds=self._ready_timeout_seconds)
        with unavailable("provisioning"):
            await self._provision()

    async def start(self) -> None:
        """Wait until Valkey is ready, create every declared group, and begin to consume.

        Raises:
            BusUnavailable: Valkey could not be reached in time.
        """
        try:
            await wait_until_ready(self._client, timeout_seconds=self._ready_timeout_seconds)
            with unavailable("start"):
                await self._provision()
                self._is_started = True  # handlers publish, and they begin before the next line ends
                await self.broker.start()
        except BaseException:
            await self.stop()
            raise
        self._tasks = [
            asyncio.create_task(self._tend(reader, subscriber)) for reader, subscriber in self._readers.items()
        ]
        self._tasks.append(asyncio.create_task(self._keep_in_bounds()))

    async def stop_consuming(self) -> None:
        """Let handlers in flight finish (retries and pauses end at once), then consume no more."""
        self._stopping.set()
        await self._stop_subscribers()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
            for result in await asyncio.gather(*self._tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    log.error("reader_had_ended", source=self._source, error=repr(result))
        await self._stop_subscribers()  # one may have been starting anew until now

    async def stop(self) -> None:
        """Stop consuming if that has not happened, finish what is being published, and disconnect."""
        await self.stop_consuming()
        self._is_started = False
        await self._wire.close()
        await self.broker.stop()
        await self._client.aclose()

    async def ping(self) -> None:
        """Write a probe, and ask every subscription whether it is well.

        Raises:
            BusUnavailable: with a sentence that says which part is not.
        """
        if not self._is_started:
            raise BusUnavailable("the bus is not started")
        with unavailable("writing a probe"):
            await self._client.xadd(_PROBE_STREAM, {"probe": self._source}, maxlen=1, approximate=False)
        if self._stopping.is_set:
            return
        for task in self._tasks:
            if task.done():
                raise BusUnavailable(f"a reader has ended: {task.exception()!r}")
        for reader, subscriber in self._readers.items():
            if reader.trouble is not None:
                raise BusUnavailable(reader.trouble)
            if not subscriber.running:
                raise BusUnavailable(f"{subscriber.stream_sub.name} is not read by {subscriber.stream_sub.group}")

    async def shortcomings(self) -> Sequence[str]:
        """Groups that are missing on the topics that this service owns or reads.

        Raises:
            BusUnavailable: Valkey could not be reached in time.
            Refused: it does not let us in.
        """
        await wait_until_ready(self._client, timeout_seconds=self._ready_timeout_seconds)
        with unavailable("looking at its streams"):
            return await missing_groups(self._client, self._declared.wanted_groups(self._source))

    async def dead_letters(
        self, topic: Topic, group: str, *, limit: int = 100, after: str | None = None
    ) -> Sequence[DeadLetter]:
        """The oldest dead letters of one group on one topic."""
        return await self._dead_letters.oldest(topic.dead_letter_topic(group), limit, after)

    async def put_back(self, topic: Topic, letters: Sequence[DeadLetter]) -> None:
        """Put these on their topic; they stay among the dead letters."""
        await self._dead_letters.put_back(topic.name, letters)

    async def replay(self, topic: Topic, group: str, *, limit: int = 100) -> int:
        """Put dead letters back on their topic in order; how many. Every group of the topic sees them again."""
        return await self._dead_letters.replay(topic.dead_letter_topic(group), topic.name, limit)

    async def discard(
        self, topic: Topic, group: str, is_unwanted: Callable[[DeadLetter], bool]
    ) -> Sequence[DeadLetter]:
        """Remove dead letters for good; those removed."""
        return await self._dead_letters.discard(topic.dead_letter_topic(group), is_unwanted)

    async def _stop_subscribers(self) -> None:
        await asyncio.gather(*(end_subscriber(subscriber) for subscriber in self._readers.values()))

    async def _provision(self) -> None:
        """Create every declared group at the oldest record, so that none misses anything; in one round trip."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for topic in self._declared.topics.values():
                for group in self._declared.groups(topic):
                    pipeline.xgroup_create(topic.name, group, id="0", mkstream=True)
            for result in await pipeline.execute(raise_on_error=False):
                if isinstance(result, ResponseError) and "BUSYGROUP" not in str(result):
                    raise result

    async def _tend(self, reader: StreamReader, subscriber: StreamBatchSubscriber) -> None:
        """Handle what is pending without a batch; start the subscriber anew if it ended or sleeps after an outage."""
        while True:
            try:
                if not subscriber.running:
                    await self._provision()
                    reader.begin_anew()
                    await subscriber.start()
                await reader.sweep()
                if reader.is_starved:
                    await end_subscriber(subscriber)
                    reader.begin_anew()
                    await subscriber.start()
            except FAILURES as error:
                log.warning("stream_not_read", stream=subscriber.stream_sub.name, error=repr(error))
            if not await self._stopping.pause(_TEND_SECONDS):
                return

    async def _keep_in_bounds(self) -> None:
        owned = [topic for topic in self._declared.topics.values() if topic.owner == self._source]
        while True:
            for topic in owned:
                try:
                    await self._retention.tend(topic, self._declared.groups(topic), self._clock.now())
                except FAILURES as error:
                    log.warning("stream_not_trimmed", stream=topic.name, error=repr(error))
            if not await self._stopping.pause(_RETENTION_SECONDS):
                return
