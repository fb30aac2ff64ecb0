"""What a bus counts."""

from collections.abc import Sequence
from typing import ClassVar, Self
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_READER = ("topic", "group")


class BusMetrics:
    """The counters of all buses that report to one registry; labels tell them apart."""

    _of_registry: ClassVar["WeakKeyDictionary[CollectorRegistry, BusMetrics]"] = WeakKeyDictionary()

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, labels: Sequence[str]) -> Counter:
            return Counter(f"deskbus_bus_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"deskbus_bus_{name}", text, _READER, registry=registry)

        self.published = counter("published", "Records stored by the engine", ("topic", "source"))
        self.retries = counter("retries", "Attempts repeated after a transient error", _READER)
        self.dead_letters = counter("dead_letters", "Records set aside", (*_READER, "reason"))
        self.unknown_types = counter("unknown_types", "Records of a type this release ignores", _READER)
        self.halts = counter("halts", "Times a subscription stopped unacknowledged", _READER)
        self.pending = gauge("pending_records", "Records delivered and not yet committed")
        self.lag = gauge("lag_records", "Records not yet delivered")
        self.batch = Histogram(
            "deskbus_bus_batch_records", "Records per batch", _READER, registry=registry, buckets=_BATCH_BUCKETS
        )

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """The counters of `registry`, made once: services that share a process share a registry too."""
        metrics = cls._of_registry.get(registry)
        if not isinstance(metrics, cls):
            metrics = cls._of_registry[registry] = cls(registry)
        return metrics
