"""How long the ticket has waited that waits longest, for whoever operates the service."""

from prometheus_client import CollectorRegistry, Gauge

from router.queue.queue_store import QueueStore
from service_kit.clock import Clock
from service_kit.worker import PeriodicWorker

_LOOK_SECONDS = 15.0


class QueueAge:
    """A gauge over all accounts; every replica tells the same."""

    def __init__(self, queue: QueueStore, clock: Clock, registry: CollectorRegistry) -> None:
        self._queue = queue
        self._clock = clock
        self._seconds = Gauge(
            "router_queue_oldest_seconds",
            "How long the ticket has waited for an assignment that waits longest, 0 for none.",
            registry=registry,
        )

    async def look(self) -> None:
        """Measure once."""
        since = await self._queue.oldest_since()
        self._seconds.set((self._clock.now() - since).total_seconds() if since else 0.0)

    def worker(self) -> PeriodicWorker:
        """The gauge as a part of the service."""
        return PeriodicWorker("router.queue_age", _LOOK_SECONDS, self.look)
