"""How long stored events have been waiting to be published: the one figure that says whether an outbox is well."""

from datetime import datetime
from typing import ClassVar, Self
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Gauge


class OutboxAge:
    """The gauge of all outboxes that report to one registry; a label tells them apart."""

    _of_registry: ClassVar["WeakKeyDictionary[CollectorRegistry, OutboxAge]"] = WeakKeyDictionary()

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Gauge(
            "deskbus_outbox_oldest_seconds",
            "Age of the oldest event that the relay found unpublished, 0 for none over two seconds",
            ("outbox",),
            registry=registry,
        )

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """The gauge of `registry`, made once: a service has several outboxes."""
        age = cls._of_registry.get(registry)
        if not isinstance(age, cls):
            age = cls._of_registry[registry] = cls(registry)
        return age

    def observe(self, outbox: str, since: datetime | None, now: datetime) -> None:
        """The oldest has been waiting since then."""
        self._seconds.labels(outbox).set((now - since).total_seconds() if since else 0.0)
