"""The two ports with a tally behind them. Each call of a port that reaches its engine is one round trip."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic

from benchmarks.recording import Recording
from benchmarks.tally import IS_IN_BATCH, Span, Tally
from contracts.envelope import Event
from contracts.topic import Topic
from contracts.topics import SETTINGS_EVENTS
from service_kit.bus import Bus, DeadLetter, Handler, Subscription
from service_kit.docstore import Collection, CollectionSpec, DocStore, Fate, Filter, Page, Sort
from service_kit.docstore.port import D

Instead = Callable[[Subscription], Handler]
"""Who handles a subscription's records in place of its own handler."""


class CountingCollection(Generic[D]):
    """A collection whose calls are counted, and whose writes may be recorded."""

    def __init__(self, inner: Collection[D], spec: CollectionSpec[D], tally: Tally, recording: Recording) -> None:
        self.inner = inner
        self.spec = spec
        self._tally = tally
        self._recording = recording

    async def get(self, document_id: str) -> D | None:
        """Counted."""
        self._count("get", 1)
        return await self.inner.get(document_id)

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, D]:
        """Counted, unless nothing is asked for."""
        wanted = list(ids)
        self._count("get_many", len(wanted))
        return await self.inner.get_many(wanted)

    async def insert_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Counted and recorded, unless nothing is given."""
        self._count("insert_many", len(documents))
        self._recording.wrote("insert", self.spec.name, documents)
        return await self.inner.insert_many(documents)

    async def replace_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Counted and recorded, unless nothing is given."""
        self._count("replace_many", len(documents))
        self._recording.wrote("replace", self.spec.name, documents)
        return await self.inner.replace_many(documents)

    async def delete_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Counted; nothing that is measured deletes."""
        self._count("delete_many", len(documents))
        return await self.inner.delete_many(documents)

    async def find(
        self, where: Filter, *, sort: Sort | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[D]:
        """Counted."""
        self._count("find", 1)
        return await self.inner.find(where, sort=sort, limit=limit, cursor=cursor)

    async def count(self, where: Filter, *, at_most: int = 1000) -> int:
        """Counted."""
        self._count("count", 1)
        return await self.inner.count(where, at_most=at_most)

    def _count(self, call: str, size: int) -> None:
        if size:
            self._tally.called_store(f"{self.spec.name}.{call}", size)


class CountingStore:
    """A document store whose collections are counted; `declared` holds them by name."""

    def __init__(self, inner: DocStore, tally: Tally, recording: Recording) -> None:
        self._inner = inner
        self._tally = tally
        self._recording = recording
        self.declared: dict[str, CountingCollection[Any]] = {}

    def collection(self, spec: CollectionSpec[D]) -> Collection[D]:
        """The engine's collection, counted."""
        counted = CountingCollection(self._inner.collection(spec), spec, self._tally, self._recording)
        return self.declared.setdefault(spec.name, counted)

    async def provision(self) -> None:
        """As the engine does."""
        await self._inner.provision()

    async def start(self) -> None:
        """As the engine does."""
        await self._inner.start()

    async def stop(self) -> None:
        """As the engine does."""
        await self._inner.stop()

    async def ping(self) -> None:
        """As the engine does."""
        await self._inner.ping()


class CountingBus:
    """A bus whose batches and publishes are counted; with `instead`, somebody else handles what arrives."""

    def __init__(self, inner: Bus, tally: Tally, recording: Recording, instead: Instead | None = None) -> None:
        self._inner = inner
        self._tally = tally
        self._recording = recording
        self._instead = instead

    async def publish(self, events: Sequence[Event]) -> None:
        """Counted and recorded."""
        if events:
            self._tally.bus["publish"] += 1
            self._recording.published(events)
        await self._inner.publish(events)
        for event in events:
            self._tally.published[event.type] += 1

    def subscribe(self, subscription: Subscription) -> None:
        """The same subscription, each batch counted as one read and one commit."""
        handle = self._instead(subscription) if self._instead else subscription.handle
        if subscription.topic is SETTINGS_EVENTS:  # what a start causes is no part of a message's cost
            self._inner.subscribe(replace(subscription, handle=handle))
            return
        topic = subscription.topic.name
        span = self._tally.spans.setdefault(topic, Span())

        async def counted(events: Sequence[Event]) -> None:
            token = IS_IN_BATCH.set(True)
            self._tally.span.begin()
            self._recording.begin(topic, len(events))
            is_done = False
            try:
                await handle(events)
                is_done = True
            finally:
                IS_IN_BATCH.reset(token)
                self._recording.end(is_done=is_done)
            self._tally.bus["read"] += 1
            self._tally.bus["commit"] += 1
            self._tally.handled[topic] += len(events)
            self._tally.span.end()
            span.end()

        self._inner.subscribe(replace(subscription, handle=counted))

    async def provision(self) -> None:
        """As the engine does."""
        await self._inner.provision()

    async def start(self) -> None:
        """As the engine does."""
        await self._inner.start()

    async def stop_consuming(self) -> None:
        """As the engine does."""
        await self._inner.stop_consuming()

    async def stop(self) -> None:
        """As the engine does."""
        await self._inner.stop()

    async def ping(self) -> None:
        """As the engine does."""
        await self._inner.ping()

    async def shortcomings(self) -> Sequence[str]:
        """As the engine does."""
        return await self._inner.shortcomings()

    async def dead_letters(
        self, topic: Topic, group: str, *, limit: int = 100, after: str | None = None
    ) -> Sequence[DeadLetter]:
        """As the engine does."""
        return await self._inner.dead_letters(topic, group, limit=limit, after=after)

    async def put_back(self, topic: Topic, letters: Sequence[DeadLetter]) -> None:
        """As the engine does."""
        await self._inner.put_back(topic, letters)

    async def replay(self, topic: Topic, group: str, *, limit: int = 100) -> int:
        """As the engine does."""
        return await self._inner.replay(topic, group, limit=limit)

    async def discard(
        self, topic: Topic, group: str, is_unwanted: Callable[[DeadLetter], bool]
    ) -> Sequence[DeadLetter]:
        """As the engine does."""
        return await self._inner.discard(topic, group, is_unwanted)
