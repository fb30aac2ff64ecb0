"""By how much timers are late: the one figure that says whether what is due happens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Gauge

_HELD_FOR = timedelta(seconds=5)
"""A timer that fails is out of sight for a second: looks in between would say that nothing is late."""


class TimerLateness:
    """The gauge of all timers that report to one registry; a label tells them apart."""

    _of_registry: ClassVar["WeakKeyDictionary[CollectorRegistry, TimerLateness]"] = WeakKeyDictionary()

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Gauge(
            "deskbus_timers_late_seconds",
            "By how much the timer is late that was due first and has not fired yet, 0 for none",
            ("timers",),
            registry=registry,
        )
        self._latest: dict[str, tuple[float, datetime]] = {}

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """The gauge of `registry`, made once: a service has several timers."""
        lateness = cls._of_registry.get(registry)
        if not isinstance(lateness, cls):
            lateness = cls._of_registry[registry] = cls(registry)
        return lateness

    def observe(self, timers: str, due: Sequence[datetime], now: datetime) -> None:
        """These moments have passed without what was due then."""
        late = max((now - min(due)).total_seconds(), 0.0) if due else 0.0
        told, at = self._latest.get(timers, (0.0, now))
        if late >= told or now - at >= _HELD_FOR:
            self._latest[timers] = (late, now)
            self._seconds.labels(timers).set(late)
