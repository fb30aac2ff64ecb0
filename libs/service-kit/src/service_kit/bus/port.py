"""What a service may ask of the bus, whichever engine is behind it.

Promises, held by one contract suite for every engine:

- `publish` returns when every event is stored by the engine (acknowledged, synced); otherwise it raises
  `BusUnavailable`, and the caller must assume that any prefix (of each key's events) may have been stored.
- Events of one key reach one group's handler in the order they were published.
- A batch is committed only after its handler returned. After a crash it is handled again (at least once).
- A transient failure is retried in place with backoff, bounded; when retries are exhausted the subscription
  stops unacknowledged, reports itself unhealthy, and starts over after a pause.
- A permanent failure halves the batch, in order, until the culprit stands alone; it is written to
  `<topic>-<group>-dlq` with reason headers and the rest flows. Too many dead letters in a row stop the subscription.
- A record that cannot be decoded is dead-lettered at once; an unknown event type is counted and ignored.
- A new group begins at the oldest retained record.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.envelope import Event
from contracts.topic import Topic
from service_kit.errors import Unavailable

Handler = Callable[[Sequence[Event]], Awaitable[None]]
"""Takes events of one topic in order of arrival; returning commits them, raising settles them as said above."""


class BusUnavailable(Unavailable):
    """The engine did not confirm; nothing may be acknowledged to a sender."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One reader: `handle` sees each event of `topic` at least once per `group`.

    `only` narrows the event types handed over; others are skipped silently (they are known, but not for us).
    `rest_seconds` is how long records may gather after a batch that was not full: for a reader whose work nobody waits
    for, so that it takes fewer and larger batches. Whatever comes after a rest is handled at once.
    """

    topic: Topic
    group: str
    handle: Handler
    only: tuple[type[Event], ...] = ()
    max_records: int = 200
    max_attempts: int = 8
    dead_letter_limit: int = 100
    rest_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse subscriptions that could never work."""
        if self.max_records < 1 or self.max_attempts < 1 or self.dead_letter_limit < 1:
            raise ValueError("max_records, max_attempts and dead_letter_limit must be at least 1")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record set aside: its raw value and key unchanged, and why (`dlq_reason`, `dlq_error`, `dlq_topic` …)."""

    id: str
    key: str
    value: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Bus(Protocol):
    """The port itself."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Store all events, each on its own topic (`contracts.topics.topic_of`) under its own key, in order.

        Raises:
            BusUnavailable: the engine did not confirm all of them.
        """

    def subscribe(self, subscription: Subscription) -> None:
        """Declare a reader. Only before `start`."""

    async def provision(self) -> None:
        """Create what this service needs on the engine: its own topics and their dead-letter topics.

        Idempotent, and needs no `start`. An embedded engine does the same again in `start`.

        Raises:
            BusUnavailable: the engine could not be reached in time.
        """

    async def start(self) -> None:
        """Connect and begin to consume.

        Raises:
            BusUnavailable: the engine could not be reached in time.
            Refused: the engine does not let us in, or what `provision` creates is missing.
        """

    async def stop_consuming(self) -> None:
        """Let handlers in flight finish, then consume no more; `publish` still works (the outbox drains last)."""

    async def stop(self) -> None:
        """Stop consuming if that has not happened, and disconnect."""

    async def ping(self) -> None:
        """Ask whether the engine would take a record and all subscriptions are running.

        Raises:
            BusUnavailable: with a sentence that says which part is not well.
        """

    async def shortcomings(self) -> Sequence[str]:
        """What is missing or not as declared of all that this service needs on the engine, a clause for each.

        Needs no `start`, and changes nothing.

        Raises:
            BusUnavailable: the engine could not be reached in time.
            Refused: the engine does not let us in.
        """

    async def dead_letters(
        self, topic: Topic, group: str, *, limit: int = 100, after: str | None = None
    ) -> Sequence[DeadLetter]:
        """The oldest dead letters of one group on one topic; with `after`, those behind the one of that id."""

    async def put_back(self, topic: Topic, letters: Sequence[DeadLetter]) -> None:
        """Put these dead letters on the topic as their producers wrote them, in order; returns when they are stored.

        The letters themselves stay where they lie: whoever puts them back remembers which.

        Raises:
            BusUnavailable: the engine did not confirm; any first part may be stored.
        """

    async def replay(self, topic: Topic, group: str, *, limit: int = 100) -> int:
        """Put dead letters back on their topic in order, and remove them from the dead-letter topic; how many."""

    async def discard(
        self, topic: Topic, group: str, is_unwanted: Callable[[DeadLetter], bool]
    ) -> Sequence[DeadLetter]:
        """Remove dead letters for good; those removed. An engine that can't leaves them to their retention: none."""
