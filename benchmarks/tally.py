"""What one process did while it was measured: port calls, records, events, wall and processor time."""

import resource
import time
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

IS_IN_BATCH: ContextVar[bool] = ContextVar("IS_IN_BATCH", default=False)
"""Whether the code that runs now was called to handle records; relays and timers were not."""


@dataclass(slots=True)
class Span:
    """From the first record handed over to the last one settled. Seconds; wall time is the machine's monotonic."""

    began: float = 0.0
    ended: float = 0.0
    cpu_began: float = 0.0
    cpu_ended: float = 0.0

    def begin(self) -> None:
        """The first call counts."""
        if not self.began:
            self.began, self.cpu_began = time.monotonic(), cpu_seconds()

    def end(self) -> None:
        """The last call counts."""
        self.ended, self.cpu_ended = time.monotonic(), cpu_seconds()


@dataclass(slots=True)
class Tally:
    """Counters by name; `store` and `background` hold calls of the store's port, within batches and beside them."""

    span: Span = field(default_factory=Span)
    store: Counter[str] = field(default_factory=Counter)
    background: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    bus: Counter[str] = field(default_factory=Counter)
    handled: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    spans: dict[str, Span] = field(default_factory=dict)

    def called_store(self, call: str, documents: int) -> None:
        """One round trip to the store."""
        (self.store if IS_IN_BATCH.get() else self.background)[call] += 1
        self.documents[call] += documents

    def as_json(self) -> dict[str, Any]:
        """Everything, for the parent process."""
        return {
            "wall_began": self.span.began,
            "wall_ended": self.span.ended,
            "cpu_seconds": self.span.cpu_ended - self.span.cpu_began,
            "store": dict(self.store),
            "background": dict(self.background),
            "documents": dict(self.documents),
            "bus": dict(self.bus),
            "handled": dict(self.handled),
            "published": dict(self.published),
            "ended_by_topic": {topic: span.ended for topic, span in self.spans.items()},
        }


def cpu_seconds() -> float:
    """The processor time of this process so far, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
