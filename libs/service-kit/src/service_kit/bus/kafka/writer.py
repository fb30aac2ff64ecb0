"""Writing to topics: all records of a call at once, each under its own key, confirmed by every in-sync replica."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from service_kit.bus.kafka.connection import FAILURES, unavailable
from service_kit.bus.kafka.records import headers_of, key_of
from service_kit.bus.kafka.topology import MAX_REQUEST_BYTES
from service_kit.bus.record import Addressed

_BATCH_BYTES = 256 * 1024
"""What one partition may have waiting: with the number of partitions, the bound on memory."""

log = structlog.get_logger(__name__)


Unconfirmed = asyncio.Future[Any]


class TopicWriter:
    """Appends records in the order of the calls.

    Per key a call is stored up to some point; what lies behind a lost answer is retried inside the producer until it
    is known, even after its caller was told of the failure. Until then further calls to that topic wait, and fail: so
    an outage leaves at most one copy per caller behind instead of one per attempt.

    Records are not compressed: gzip costs more time than it saves at a kilobyte of JSON, and the better codecs need
    a package in every consumer.
    """

    def __init__(self, options: dict[str, Any], *, timeout_seconds: float) -> None:
        self._options = options
        self._timeout_seconds = timeout_seconds
        self._producer: AIOKafkaProducer | None = None
        self._is_broken = False
        self._connecting = asyncio.Lock()
        self._appending: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_flight: set[Unconfirmed] = set()
        self._abandoned: defaultdict[str, set[Unconfirmed]] = defaultdict(set)

    async def open(self) -> None:
        """Connect.

        Raises:
            BusUnavailable: the cluster did not answer in time.
        """
        producer = AIOKafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=int(self._timeout_seconds * 1000),
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=_BATCH_BYTES,
        )
        try:
            with unavailable("connecting a producer"):
                async with asyncio.timeout(self._timeout_seconds):
                    await producer.start()
        except BaseException:
            await self._close(producer)
            raise
        self._producer = producer
        self._is_broken = False

    async def write(self, entries: Sequence[Addressed]) -> None:
        """Append; returns when every in-sync replica has every record.

        Raises:
            BusUnavailable: that is not certain; of each key's records any first part may be stored.
        """
        with unavailable("publishing"):
            async with asyncio.timeout(self._timeout_seconds):
                sent: list[tuple[str, Unconfirmed]] = []
                try:
                    await self._append(entries, sent)
                    await asyncio.wait([future for _, future in sent])
                finally:
                    for topic, future in sent:
                        self._abandon(topic, future)
                for _, future in sent:
                    await future

    async def close(self) -> None:
        """Finish what is being written, as far as that is possible in time, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._close(producer)

    async def _append(self, entries: Sequence[Addressed], sent: list[tuple[str, Unconfirmed]]) -> None:
        """Hand everything to the producer, call by call: one may wait for room between two of its records.

        The calls of each topic queue by themselves, so that a topic that takes nothing holds up no other.
        """
        async with AsyncExitStack() as turns:
            for topic in sorted({entry.topic for entry in entries}):
                await turns.enter_async_context(self._appending[topic])
                if self._abandoned[topic]:
                    await asyncio.wait(self._abandoned[topic])
            producer = await self._working_producer()
            try:
                for entry in entries:
                    key, headers = key_of(entry.record), headers_of(entry.record)
                    future = await producer.send(entry.topic, entry.record.value, key=key, headers=headers)
                    self._in_flight.add(future)
                    future.add_done_callback(self._learn)
                    sent.append((entry.topic, future))
            except KafkaError:
                self._is_broken = True
                raise

    async def _working_producer(self) -> AIOKafkaProducer:
        """The producer, or a new one if it has lost a record.

        The broker would refuse what lies behind a lost record, because the numbers no longer follow on. All that the
        old one holds is settled first: nothing of it may be stored after what the new one sends.
        """
        async with self._connecting:
            if self._is_broken and self._producer is not None:
                if self._in_flight:
                    await asyncio.wait(self._in_flight)
                log.warning("producer_replaced")
                await self.close()
            if self._producer is None:
                await self.open()
            return self._producer

    def _abandon(self, topic: str, future: Unconfirmed) -> None:
        """Nobody waits any more for a record whose fate is unknown; the topic's next call has to."""
        if not future.done():
            self._abandoned[topic].add(future)
            future.add_done_callback(self._abandoned[topic].discard)

    def _learn(self, future: Unconfirmed) -> None:
        self._in_flight.discard(future)
        if not future.cancelled() and future.exception() is not None:
            self._is_broken = True

    async def _close(self, producer: AIOKafkaProducer) -> None:
        """Stop a producer; aiokafka flushes first, for ever if the cluster is away."""
        ending = asyncio.create_task(producer.stop())
        await asyncio.wait({ending}, timeout=self._timeout_seconds)
        if not ending.done():
            await producer._sender.close()  # noqa: SLF001 - no public way ends a producer that cannot flush
            producer._message_accumulator.fail_all(KafkaError("the producer was closed"))  # noqa: SLF001
        try:
            await ending
        except FAILURES as error:
            log.warning("producer_not_closed_cleanly", error=repr(error))
