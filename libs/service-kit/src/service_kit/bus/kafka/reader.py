"""One member of a group reading one topic: what it was given, until it must be given back."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from service_kit.bus.consumption import Consumption
from service_kit.bus.kafka.records import offsets_after
from service_kit.bus.kafka.tenure import Tenure
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.port import Subscription
from service_kit.bus.record import Record
from service_kit.crash_points import crash_point

_HAND_OVER_SECONDS = 25.0
"""How long giving partitions back waits for a handler in flight; the group waits a little longer for us."""

_AWAY_SECONDS = 60.0
"""Outside the group for longer than any rebalance lasts: something is wrong."""

_AFTER_ERROR_SECONDS = 1.0
_OBSERVE_SECONDS = 2.0
_STARVED_LOOKS = 5

log = structlog.get_logger(__name__)


class PartitionReader(ConsumerRebalanceListener):  # type: ignore[misc]
    """Feeds one subscription with the partitions that its group gives to this member.

    A batch may hold several partitions, each in its order; what is settled is committed for each of them. When
    partitions are taken back, the handler in flight may finish and its records are committed first; a batch that
    waits to be tried again is let go of uncommitted, and whoever owns its partitions next gets it.
    """

    def __init__(
        self, subscription: Subscription, consumption: Consumption, tenure: Tenure, *, metrics: BusMetrics
    ) -> None:
        self._consumption = consumption
        self._tenure = tenure
        self._metrics = metrics
        self._topic = subscription.topic.name
        self._group = subscription.group
        self._lock = asyncio.Lock()
        self._left_at: float | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._still_looks = 0

    @property
    def is_starved(self) -> bool:
        """Whether records wait, nothing is in hand, and for some time nothing was delivered.

        Not while the group is about to share its partitions anew: to join once more would have it begin again.
        """
        return self._still_looks >= _STARVED_LOOKS

    @property
    def trouble(self) -> str | None:
        """Why the subscription is not well, if so."""
        if self._left_at is not None and asyncio.get_running_loop().time() - self._left_at > _AWAY_SECONDS:
            return f"{self._topic} is not read by {self._group}: no partitions were assigned for {_AWAY_SECONDS:g} s"
        return self._consumption.trouble

    def let_go(self) -> None:
        """End all waiting: the bus is stopping."""
        self._tenure.close()

    async def take(self, records: Sequence[Record], consumer: AIOKafkaConsumer) -> None:
        """Handle a batch. Returning early loses nothing: only what was committed is ever forgotten."""
        async with self._lock:
            self._tenure.take_batch()
            pending = self._metrics.pending.labels(self._topic, self._group)
            pending.set(len(records))
            try:
                await self._consumption.consume(records, partial(self._commit, consumer))
            except Exception as error:
                # FastStream goes back to where the batch began and delivers it again at once.
                self._consumption.trouble = f"{self._topic} is not read by {self._group}: {type(error).__name__}"
                await self._tenure.pause(_AFTER_ERROR_SECONDS)
                raise
            finally:
                pending.set(0)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Let go: called before this member joins again, and the whole group waits for it."""
        self._tenure.end()
        self._left_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(_HAND_OVER_SECONDS), self._lock:
                log.debug("partitions_revoked", topic=self._topic, group=self._group, partitions=len(revoked))
        except TimeoutError:
            log.warning("partitions_revoked_in_mid_batch", topic=self._topic, group=self._group)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin anew, from what is committed."""
        self._tenure.begin()
        self._left_at = None
        self._still_looks = 0
        self._consumption.trouble = None
        log.info("partitions_assigned", topic=self._topic, group=self._group, partitions=len(assigned))

    async def observe(self, consumer: AIOKafkaConsumer) -> None:
        """Measure the lag of this member's partitions, and notice when they do not move although records wait."""
        async with asyncio.timeout(_OBSERVE_SECONDS):
            places = consumer.assignment()
            ends = await consumer.end_offsets(places) if places else {}
            positions = {place: await consumer.position(place) for place in places}
        lag = sum(max(0, ends[place] - positions[place]) for place in places)
        self._metrics.lag.labels(self._topic, self._group).set(lag)
        is_free = self._left_at is None and not self._lock.locked()
        is_still = lag > 0 and is_free and positions == self._positions
        self._still_looks = self._still_looks + 1 if is_still else 0
        self._positions = positions

    async def _commit(self, consumer: AIOKafkaConsumer, records: Sequence[Record]) -> None:
        """Commit, however long the cluster is away, unless the partitions belong to somebody else by now."""
        crash_point("bus.before_commit")
        if self._tenure.is_stale:
            log.warning("commit_too_late", topic=self._topic, group=self._group, records=len(records))
            return
        try:
            await consumer.commit(offsets_after(self._topic, records))
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", topic=self._topic, group=self._group, error=type(error).__name__)
