"""Events stored in the document they are about, and published from there in order.

Consumers may see an event twice and never a gap: whoever publishes sends the whole stored prefix of a document
in order and removes it only afterwards. What a crash leaves behind is published by a relay.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import structlog
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.envelope import Event, UtcDatetime
from contracts.topics import TOPICS
from service_kit.bus.codec import MAX_RECORD_BYTES, RecordTooLarge
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import Cmp, Collection, Document, Fate, Sort
from service_kit.errors import PermanentError, TransientError
from service_kit.outbox_age import OutboxAge
from service_kit.worker import PeriodicWorker

OUTBOX_LIMIT = 200
MAX_EVENT_BYTES = MAX_RECORD_BYTES - 16 * 1024
"""A record has the headers and the key besides."""
_RELAY_AFTER = timedelta(seconds=2)
_RELAY_INTERVAL_SECONDS = 1.0
_RELAY_PAGE = 100
_REMOVAL_ATTEMPTS = 20

_EVENT_OF_TYPE: Mapping[str, type[Event]] = {
    event.model_fields["type"].default: event for topic in TOPICS for event in topic.events
}

logger = structlog.get_logger()


class OutboxFull(TransientError):
    """A document holds as many unpublished events as it may; they must leave before it can change again."""


class OutboxContended(TransientError):
    """A document changed each time its published events were about to be removed; they will be published again."""


class UnreadableStoredEvent(PermanentError):
    """A stored event whose type this version does not know, or whose body does not fit its type."""

    code = "unreadable_stored_event"


class OutboxEntry(BaseModel):
    """One stored event."""

    model_config = ConfigDict(frozen=True)

    type: str
    body: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "OutboxEntry":
        """The event as it is stored.

        Raises:
            RecordTooLarge: no bus would take it, and it would hold all that is stored behind it.
        """
        if (size := len(event.payload())) > MAX_EVENT_BYTES:
            raise RecordTooLarge(f"event {event.id} has {size} bytes, over {MAX_EVENT_BYTES}")
        return cls(type=event.type, body=event.model_dump(mode="json"))

    @property
    def event_id(self) -> str:
        """The id of the stored event."""
        return str(self.body["id"])

    def event(self) -> Event:
        """The event as it was.

        Raises:
            UnreadableStoredEvent: it does not fit our contracts.
        """
        shape = _EVENT_OF_TYPE.get(self.type)
        if shape is None:
            raise UnreadableStoredEvent(f"event type {self.type!r} is not in the contracts of this version")
        try:
            return shape.model_validate(self.body)
        except ValidationError as error:
            raise UnreadableStoredEvent(f"a stored event of type {self.type!r} does not fit its contract") from error


class Outboxed(Document):
    """A document that carries its unpublished events. Its collection declares `Index(("outbox_since",))`."""

    outbox: tuple[OutboxEntry, ...] = ()
    outbox_since: UtcDatetime | None = None


D = TypeVar("D", bound=Outboxed)


def with_events(document: D, events: Sequence[Event], now: datetime) -> D:
    """The document with `events` behind those it already carries.

    Raises:
        OutboxFull: it would carry more than `OUTBOX_LIMIT`.
        RecordTooLarge: an event is over `MAX_EVENT_BYTES`.
    """
    if not events:
        return document
    entries = (*document.outbox, *(OutboxEntry.of(event) for event in events))
    if len(entries) > OUTBOX_LIMIT:
        raise OutboxFull(f"document {document.id} already carries {len(document.outbox)} unpublished events")
    return document.model_copy(update={"outbox": entries, "outbox_since": document.outbox_since or now})


def _without(document: D, published: frozenset[str], now: datetime) -> D:
    """The document without the events that were published; what came meanwhile stays."""
    entries = tuple(entry for entry in document.outbox if entry.event_id not in published)
    return document.model_copy(update={"outbox": entries, "outbox_since": now if entries else None})


class Publisher(Protocol):
    """The side of the bus that an outbox needs."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Store all events in order, or raise."""


class Outbox(Generic[D]):
    """Publishes what documents of one collection carry. `load` fills in what the stored entries left out.

    `name` tells it from others in crash points, logs and metrics.
    """

    def __init__(
        self,
        collection: Collection[D],
        bus: Publisher,
        clock: Clock,
        *,
        load: Callable[[Sequence[Event]], Awaitable[Sequence[Event]]] | None = None,
        name: str = "",
    ) -> None:
        self._collection = collection
        self._bus = bus
        self._clock = clock
        self._load = load
        self._name = name
        self._stuck: set[str] = set()
        self._age: OutboxAge | None = None

    async def publish(self, documents: Sequence[D]) -> Sequence[D]:
        """Publish all that `documents`, given as they are stored, carry; the documents as they are stored then.

        Raises:
            BusUnavailable: nothing was removed; the relay publishes later.
        """
        events: Sequence[Event] = [entry.event() for document in documents for entry in document.outbox]
        if not events:
            return documents
        if self._load is not None:
            events = await self._load(events)
        await self._bus.publish(events)
        crash_point(f"{self._name}.published")
        return await self._remove(documents)

    async def relay(self) -> int:
        """Publish what has been waiting for more than two seconds, oldest first; how many documents it was."""
        relayed, stuck, cursor = 0, set[str](), None
        while True:
            now = self._clock.now()
            before = now - _RELAY_AFTER
            page = await self._collection.find(
                Cmp("outbox_since", "<=", before), sort=Sort("outbox_since"), limit=_RELAY_PAGE, cursor=cursor
            )
            if cursor is None and self._age is not None:
                self._age.observe(self._name, page.items[0].outbox_since if page.items else None, now)
            failed = await self._relay_page(page.items)
            relayed += len(page.items) - len(failed)
            stuck |= failed
            cursor = page.next_cursor
            if cursor is None:
                self._stuck = stuck
                return relayed

    def worker(self, metrics: CollectorRegistry) -> PeriodicWorker:
        """The relay as a part of the service; it tells `metrics` how long events have been waiting for it."""
        self._age = OutboxAge.on(metrics)
        return PeriodicWorker(f"outbox {self._name}".rstrip(), _RELAY_INTERVAL_SECONDS, self.relay)

    async def _relay_page(self, documents: Sequence[D]) -> set[str]:
        """All in one call, or else one by one, so that a bad document holds up no other; the ids of the bad ones."""
        try:
            await self.publish(documents)
        except PermanentError:
            return {document.id for document in documents if not await self._relay_one(document)}
        return set()

    async def _relay_one(self, document: D) -> bool:
        try:
            await self.publish([document])
        except PermanentError:
            if document.id not in self._stuck:  # said once, not at every round
                logger.exception("outbox_stuck", document_id=document.id, events=len(document.outbox))
            return False
        return True

    async def _remove(self, documents: Sequence[D]) -> Sequence[D]:
        """Take the published events out of the stored documents, whatever they have become meanwhile."""
        published = {document.id: frozenset(entry.event_id for entry in document.outbox) for document in documents}
        stored = {document.id: document for document in documents}
        pending = [document for document in documents if document.outbox]
        for _ in range(_REMOVAL_ATTEMPTS):
            now = self._clock.now()
            wanted = [_without(document, published[document.id], now) for document in pending]
            fates = await self._collection.replace_many(wanted)
            written = [w for w, fate in zip(wanted, fates, strict=True) if fate is Fate.DONE]
            stored.update({w.id: w.model_copy(update={"rev": w.rev + 1}) for w in written})
            again = [w.id for w, fate in zip(wanted, fates, strict=True) if fate is not Fate.DONE]
            if not again:
                return [stored[document.id] for document in documents]
            read = await self._collection.get_many(again)
            stored.update(read)
            pending = [d for d in read.values() if published[d.id] & {entry.event_id for entry in d.outbox}]
        raise OutboxContended(f"{len(pending)} documents changed {_REMOVAL_ATTEMPTS} times meanwhile")
