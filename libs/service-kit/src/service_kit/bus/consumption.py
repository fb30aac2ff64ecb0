"""One subscription at work, whichever engine feeds it: settle, commit, and on trouble pause and start over."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from service_kit.bus.metrics import BusMetrics
from service_kit.bus.patience import Patience
from service_kit.bus.port import Subscription
from service_kit.bus.record import Record
from service_kit.bus.settlement import Decode, Halted, Jitter, Pause, SetAside, Settled, Settlement

log = structlog.get_logger(__name__)

Commit = Callable[[Sequence[Record]], Awaitable[None]]


class Consumption:
    """Brings batches to their end in order, and knows whether its subscription is well."""

    def __init__(
        self,
        subscription: Subscription,
        settlement: Settlement,
        *,
        pause: Pause,
        patience: Patience,
        metrics: BusMetrics,
    ) -> None:
        self._reader = (subscription.topic.name, subscription.group)
        self._full, self._rest_seconds = subscription.max_records, subscription.rest_seconds
        self._settlement = settlement
        self._pause = pause
        self._patience = patience
        self._metrics = metrics
        self.trouble: str | None = None

    @classmethod
    def of(
        cls,
        subscription: Subscription,
        *,
        decode: Decode,
        set_aside: SetAside,
        pause: Pause,
        jitter: Jitter,
        patience: Patience,
        metrics: BusMetrics,
    ) -> "Consumption":
        """What every engine makes of a subscription; they differ in how records are read and set aside."""
        settlement = Settlement(
            subscription,
            decode=decode,
            set_aside=set_aside,
            pause=pause,
            jitter=jitter,
            patience=patience,
            metrics=metrics,
        )
        return cls(subscription, settlement, pause=pause, patience=patience, metrics=metrics)

    async def consume(self, records: Sequence[Record], commit: Commit) -> bool:
        """Settle and commit all records, however often that must start over.

        Returns:
            False when the bus is stopping: what is left stays uncommitted and will be delivered again.
        """
        self._metrics.batch.labels(*self._reader).observe(len(records))
        left = records
        while True:
            match await self._settlement.settle(left):
                case Settled():
                    await commit(left)
                    self.trouble = None
                    if self._rest_seconds and len(records) < self._full:
                        await self._pause(self._rest_seconds)
                    return True
                case Halted(settled=settled, reason=reason):
                    if settled:
                        await commit(left[:settled])
                    left = left[settled:]
                    self._report(reason)
            if not await self._pause(self._patience.restart_seconds):
                return False

    def _report(self, reason: str) -> None:
        topic, group = self._reader
        self.trouble = f"{topic} is not read by {group}: {reason}"
        self._metrics.halts.labels(topic, group).inc()
        log.error("subscription_halted", topic=topic, group=group, reason=reason)
