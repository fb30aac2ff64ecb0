"""The bus on Apache Kafka: one topic for each of ours, any number of replicas of a service share its partitions."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from faststream import AckPolicy
from prometheus_client import REGISTRY, CollectorRegistry

from contracts.envelope import Event
from contracts.topic import Topic
from service_kit.bus.broker_log import BrokerLog
from service_kit.bus.codec import EventCodec
from service_kit.bus.consumption import Consumption
from service_kit.bus.declarations import Declarations
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.broker import TopicBroker
from service_kit.bus.kafka.cluster import Cluster
from service_kit.bus.kafka.connection import knock, unavailable, until_available
from service_kit.bus.kafka.dead_letters import DeadLetterTopics
from service_kit.bus.kafka.inspection import shortcomings_on
from service_kit.bus.kafka.library_log import quieten
from service_kit.bus.kafka.members import Members
from service_kit.bus.kafka.provisioning import provide
from service_kit.bus.kafka.reader import PartitionReader
from service_kit.bus.kafka.subscriber import GRACE_SECONDS, REBALANCE_SECONDS, REQUEST_SECONDS, add_subscriber
from service_kit.bus.kafka.tenure import Tenure
from service_kit.bus.kafka.topology import TopicsUnfit, owned_topics, replicas_wanted, shortcomings, used_topics
from service_kit.bus.kafka.writer import TopicWriter
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.patience import Patience
from service_kit.bus.port import BusUnavailable, DeadLetter, Subscription
from service_kit.clock import Clock

_SETTLE_SECONDS = 2.0
"""How long topics that were created a moment ago may stay unknown to another broker."""

_POLL_SECONDS = 0.1

_JOIN_SECONDS = 3.0 * REBALANCE_SECONDS
"""Joining waits for every member to hand over. Whoever gave up sooner would leave again, and so begin it anew."""
_RETRY_MS = 250

log = structlog.get_logger(__name__)


class KafkaBus:
    """The port `Bus` on Apache Kafka.

    A replayed dead letter reaches every group of its topic again, because a topic has one order for all; consumers
    are idempotent anyway. `clock` is not needed: the brokers tell the age of records.
    """

    def __init__(
        self,
        url: str,
        *,
        source: str,
        topics: Sequence[Topic],
        clock: Clock | None = None,  # noqa: ARG002 - one constructor for all engines
        registry: CollectorRegistry = REGISTRY,
        patience: Patience | None = None,
        timeout_seconds: float = 5.0,
        ready_timeout_seconds: float = 60.0,
    ) -> None:
        quieten()
        self._source = source
        self._address = KafkaAddress.parse(url)
        self._patience = patience or Patience()
        self._timeout_seconds = timeout_seconds
        self._ready_timeout_seconds = ready_timeout_seconds
        self._declared = Declarations(topics)
        self._codec = EventCodec(topics, source=source)
        self._metrics = BusMetrics.on(registry)
        self._jitter = random.Random().random  # noqa: S311 - spreads retries, guards nothing
        self._is_started = False
        self._options = {**self._address.client_options(), "client_id": f"deskbus-{source}"}
        self._cluster = Cluster(self._options, timeout_seconds=timeout_seconds)
        self._writer = TopicWriter(self._options, timeout_seconds=timeout_seconds)
        self._dead_letters = DeadLetterTopics(self._writer, self._options)
        self._members = Members(source)
        self.broker = TopicBroker(
            list(self._address.servers),
            security=self._address.security,
            client_id=f"deskbus-{source}",
            request_timeout_ms=REQUEST_SECONDS * 1000,
            retry_backoff_ms=_RETRY_MS,
            consumer_only=True,
            graceful_timeout=GRACE_SECONDS,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            apply_types=False,
            logger=BrokerLog(),
            log_level=logging.DEBUG,
        )

    async def publish(self, events: Sequence[Event]) -> None:
        """Store all events, each on its own topic under its own key, in order; returns when all are confirmed.

        Raises:
            BusUnavailable: Kafka did not confirm; of each key's events any first part may be stored.
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
        tenure = Tenure()
        consumption = Consumption.of(
            subscription,
            decode=partial(self._codec.decode, subscription.topic, only=subscription.only),
            set_aside=partial(self._dead_letters.add, subscription),
            pause=tenure.pause,
            jitter=self._jitter,
            patience=self._patience,
            metrics=self._metrics,
        )
        reader = PartitionReader(subscription, consumption, tenure, metrics=self._metrics)
        self._members.add(reader, add_subscriber(self.broker, subscription, reader))

    async def provision(self) -> None:
        """Create the topics that this service owns, with the dead letters of all their groups; needs no `start`.

        Raises:
            BusUnavailable: Kafka could not be reached in time.
            TopicsUnfit: a topic that exists is not as declared.
        """
        await until_available(self._provide, timeout_seconds=self._ready_timeout_seconds)

    async def start(self) -> None:
        """Wait until Kafka is ready, check the topics, join the groups and begin to consume.

        Raises:
            BusUnavailable: Kafka could not be reached in time.
            TopicsUnfit: topics are missing or not as declared.
            Refused: Kafka does not let us in.
        """
        try:
            await until_available(self._connect, timeout_seconds=self._ready_timeout_seconds)
            self._is_started = True  # handlers publish, and they begin before the next line ends
            with unavailable("start"):
                async with asyncio.timeout(max(self._ready_timeout_seconds, _JOIN_SECONDS)):
                    await self.broker.connect()
                    await self._members.join()
        except BaseException:
            await self.stop()
            raise
        self._members.tend()

    async def stop_consuming(self) -> None:
        """Let handlers in flight finish (retries and pauses end at once), then consume no more."""
        await self._members.leave()

    async def stop(self) -> None:
        """Stop consuming if that has not happened, finish what is being published, and disconnect."""
        await self.stop_consuming()
        self._is_started = False
        await self._writer.close()
        await self.broker.stop()
        await self._cluster.close()

    async def ping(self) -> None:
        """Ask whether every topic has a leader and enough replicas in sync, and whether every subscription is well.

        Raises:
            BusUnavailable: with a sentence that says which part is not.
        """
        if not self._is_started:
            raise BusUnavailable("the bus is not started")
        names = [topic.name for topic in used_topics(self._declared, self._source)]
        found = await self._cluster.topics(names)
        for name in names:
            if not found.get(name) or not all(partition.takes_records for partition in found[name]):
                raise BusUnavailable(f"{name} would not take a record")
        if self._members.trouble is not None:
            raise BusUnavailable(self._members.trouble)

    async def shortcomings(self) -> Sequence[str]:
        """Topics that are missing, have too few partitions or replicas, or would not take a record now.

        Raises:
            BusUnavailable: no broker answered in time.
            Refused: Kafka does not let us in.
        """
        return await shortcomings_on(
            Cluster(self._options, timeout_seconds=self._timeout_seconds),
            self._address,
            [*used_topics(self._declared, self._source), *owned_topics(self._declared, self._source)],
            timeout_seconds=self._timeout_seconds,
        )

    async def dead_letters(
        self, topic: Topic, group: str, *, limit: int = 100, after: str | None = None
    ) -> Sequence[DeadLetter]:
        """The oldest dead letters of one group on one topic that `replay` has not put back."""
        return await self._dead_letters.oldest(topic, group, limit, after)

    async def put_back(self, topic: Topic, letters: Sequence[DeadLetter]) -> None:
        """Put these on their topic; they stay among the dead letters.

        Raises:
            BusUnavailable: Kafka did not confirm, or the bus is not started.
        """
        if not self._is_started:
            raise BusUnavailable("the bus is not started")
        await self._dead_letters.put_back(topic, letters)

    async def replay(self, topic: Topic, group: str, *, limit: int = 100) -> int:
        """Put dead letters back on their topic in order; how many. Every group of the topic sees them again.

        Raises:
            BusUnavailable: Kafka did not confirm, or the bus is not started.
        """
        if not self._is_started:
            raise BusUnavailable("the bus is not started")
        return await self._dead_letters.replay(topic, group, limit)

    async def discard(
        self,
        topic: Topic,  # noqa: ARG002 - the port's
        group: str,  # noqa: ARG002 - the port's
        is_unwanted: Callable[[DeadLetter], bool],  # noqa: ARG002 - the port's
    ) -> Sequence[DeadLetter]:
        """Nothing: Kafka removes no record from the middle of a topic; the retention of dead letters does."""
        return ()

    async def _provide(self) -> None:
        await knock(self._address, timeout_seconds=self._timeout_seconds)
        await provide(
            owned_topics(self._declared, self._source),
            self._options,
            replication=self._address.replication,
            timeout_seconds=self._timeout_seconds,
        )

    async def _connect(self) -> None:
        await knock(self._address, timeout_seconds=self._timeout_seconds)
        await self._cluster.open()
        await self._check_topics()
        await self._writer.open()

    async def _check_topics(self) -> None:
        wanted = used_topics(self._declared, self._source)
        names = [topic.name for topic in wanted]
        replicas = replicas_wanted(self._address.replication, await self._cluster.count_brokers())
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SETTLE_SECONDS
        while unfit := shortcomings(wanted, await self._cluster.topics(names), replicas):
            if loop.time() >= deadline:
                raise TopicsUnfit(f"Kafka's topics are not as declared: {'; '.join(unfit)}: run `deskbus init`")
            await asyncio.sleep(_POLL_SECONDS)
