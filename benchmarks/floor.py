"""The floor: the records are read, the recorded documents written and events published, and nothing is decided.

It stands on the same ports and engines as the pipeline and has the process, the subscriptions, the collections and
the indexes of the service it is the floor of. It includes what the ports themselves need: decoding a record into its
event, and rendering and indexing a document. It reads nothing from the store and calls none of the service's code.
Documents and events are made ready before the clock starts. On engines that hold what the recorded run began with it
replaces what that run replaced; on empty ones it can only insert what is written for the first time. Replicas share
the writes of each batch.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.counting import CountingBus, CountingCollection
from benchmarks.recording import Call, Script
from benchmarks.share import Share
from contracts.envelope import Event
from contracts.topics import TOPICS
from service_kit.bus import Handler, Subscription
from service_kit.docstore import Document, Fate

_EVENTS: Mapping[str, type[Event]] = {e.model_fields["type"].default: e for topic in TOPICS for e in topic.events}


@dataclass(frozen=True, slots=True)
class _Write:
    """One bulk write, ready."""

    collection: CountingCollection[Any]
    documents: Sequence[Document]
    is_replacement: bool


@dataclass(frozen=True, slots=True)
class _Publish:
    """One publish, ready."""

    events: Sequence[Event]


class Floor:
    """Replays a script: whenever as many records of a topic have come as its next batch had, that batch's writes.

    `has_past`: what the recorded run began with is there. `share`: what is this replica's to write.
    """

    def __init__(self, *, has_past: bool = False, share: Share = Share()) -> None:  # noqa: B008 - it is frozen
        self._has_past = has_past
        self._share = share
        self._bus: CountingBus | None = None
        self._batches: dict[str, deque[tuple[float, list[_Write | _Publish]]]] = defaultdict(deque)
        self._seen: dict[str, int] = defaultdict(int)
        self._revs: dict[tuple[str, str], int] = {}

    def prepare(self, script: Script, collections: Mapping[str, CountingCollection[Any]], bus: CountingBus) -> None:
        """Make everything ready that the script names."""
        self._bus = bus
        due: dict[str, int] = defaultdict(int)
        for batch in script.batches:
            due[batch.topic] += batch.records
            ready = [_ready(call, collections, self._share) for call in batch.calls]
            self._batches[batch.topic].append((self._share.after(due[batch.topic]), ready))

    def handler(self, subscription: Subscription) -> Handler:
        """What stands in for the subscription's own handler."""
        topic = subscription.topic.name

        async def replay(events: Sequence[Event]) -> None:
            self._seen[topic] += len(events)
            batches = self._batches[topic]
            while batches and batches[0][0] <= self._seen[topic]:
                for act in batches.popleft()[1]:
                    await self._do(act)

        return replay

    async def _do(self, act: _Write | _Publish) -> None:
        if isinstance(act, _Write):
            await self._write(act)
        elif self._bus is None:
            raise RuntimeError("prepare the floor first")
        elif act.events:
            await self._bus.publish(act.events)

    async def _write(self, act: _Write) -> None:
        name = act.collection.spec.name
        if self._has_past and act.is_replacement:
            for document in act.documents:
                self._revs.setdefault((name, document.id), document.rev)
        known, new = [], []
        for document in act.documents:
            rev = self._revs.get((name, document.id))
            # Noted before it is written: a batch of another topic may write the same document meanwhile, after this.
            self._revs[name, document.id] = (rev or 0) + 1
            if rev is None:
                new.append(document)
            else:
                known.append(document if document.rev == rev else document.model_copy(update={"rev": rev}))
        if new:
            await act.collection.insert_many(new)
        if known:
            fates = await act.collection.replace_many(known)
            if self._has_past and any(fate is not Fate.DONE for fate in fates):
                raise RuntimeError(f"the floor's writes to {name} are refused: it would write less than the pipeline")


def _ready(call: Call, collections: Mapping[str, CountingCollection[Any]], share: Share) -> _Write | _Publish:
    if call.kind == "publish":
        shapes = (_EVENTS[name] for name in call.types)
        events = [shape.model_validate_json(body) for shape, body in zip(shapes, call.bodies, strict=True)]
        return _Publish([event for event in events if share.holds(event.key)])
    collection = collections[call.collection]
    documents = [collection.spec.model.model_validate_json(body) for body in call.bodies]
    mine = [document for document in documents if share.holds(document.id)]
    return _Write(collection, mine, is_replacement=call.kind == "replace")
