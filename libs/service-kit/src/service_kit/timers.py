"""Due times that live in the document they concern, so that no crash can forget one.

Any replica may fire a timer: it claims the document by compare-and-swap and moves its due time behind a lease.
A timer may fire late or twice, never not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime
from service_kit.clock import Clock
from service_kit.docstore import Cmp, Collection, Document, Fate, Sort
from service_kit.errors import TransientError
from service_kit.worker import PeriodicWorker

_PAGE = 100
_CONCURRENT_FIRES = 10
_RETRY_AFTER = timedelta(seconds=1)

logger = structlog.get_logger()


class Due(BaseModel):
    """Something of one kind that is to happen at one moment."""

    model_config = ConfigDict(frozen=True)

    kind: str
    at: UtcDatetime


class Timed(Document):
    """A document with due times. `due_at` is the earliest, or the end of a claim; its collection indexes it."""

    due: tuple[Due, ...] = ()
    due_at: UtcDatetime | None = None


D = TypeVar("D", bound=Timed)


def _with(document: D, due: Sequence[Due]) -> D:
    ordered = tuple(sorted(due, key=lambda one: one.at))
    return document.model_copy(update={"due": ordered, "due_at": ordered[0].at if ordered else None})


def with_due(document: D, kind: str, at: datetime) -> D:
    """The document with `kind` due at `at` and at no other moment."""
    return _with(document, [*(due for due in document.due if due.kind != kind), Due(kind=kind, at=at)])


def without_due(document: D, kind: str) -> D:
    """The document without anything of `kind` due."""
    return _with(document, [due for due in document.due if due.kind != kind])


class Timers(Generic[D]):
    """Fires what is due in one collection.

    `fire` gets the claimed document as stored and one due; it must write the document without that due, and bear
    being called again. If it does not, the lease runs out and the timer fires once more.
    """

    def __init__(
        self,
        collection: Collection[D],
        clock: Clock,
        fire: Callable[[D, Due], Awaitable[None]],
        *,
        lease_seconds: float = 30.0,
        interval_seconds: float = 0.25,
    ) -> None:
        self._collection = collection
        self._clock = clock
        self._fire = fire
        self._lease = timedelta(seconds=lease_seconds)
        self._interval = interval_seconds

    async def run_due(self) -> int:
        """Fire what is due by now, oldest first; how many fired without an error."""
        fired = 0
        while True:
            now = self._clock.now()
            page = await self._collection.find(Cmp("due_at", "<=", now), sort=Sort("due_at"), limit=_PAGE)
            claimed = await self._claim(page.items, now)
            fired += await self._fire_all(claimed)
            if not claimed or page.next_cursor is None:
                return fired

    def worker(self) -> PeriodicWorker:
        """The timers as a part of the service."""
        return PeriodicWorker("timers", self._interval, self.run_due)

    async def _claim(self, documents: Sequence[D], now: datetime) -> Sequence[D]:
        """Those that nobody else changed or claimed meanwhile, as they are stored now."""
        if not documents:
            return []
        wanted = [document.model_copy(update={"due_at": now + self._lease}) for document in documents]
        fates = await self._collection.replace_many(wanted)
        return [
            document.model_copy(update={"rev": document.rev + 1})
            for document, fate in zip(wanted, fates, strict=True)
            if fate is Fate.DONE
        ]

    async def _fire_all(self, documents: Sequence[D]) -> int:
        places = asyncio.Semaphore(_CONCURRENT_FIRES)

        async def fire(document: D) -> bool:
            async with places:
                return await self._fires(document)

        return sum(await asyncio.gather(*(fire(document) for document in documents)))

    async def _fires(self, document: D) -> bool:
        """Fire the earliest due; another one of the same document is found again once this one is written."""
        if not document.due:
            await self._collection.replace_many([_with(document, ())])
            return False
        due = document.due[0]
        try:
            await self._fire(document, due)
        except TransientError as error:
            logger.warning("timer_delayed", document_id=document.id, kind=due.kind, error=repr(error))
            await self._release(document)
            return False
        except Exception:
            logger.exception("timer_failed", document_id=document.id, kind=due.kind)
            return False
        return True

    async def _release(self, document: D) -> None:
        """Shorten the claim, so that a passing failure costs a second and not the whole lease."""
        stored = await self._collection.get(document.id)
        if stored is not None and stored.due_at == document.due_at:
            await self._collection.replace_many(
                [stored.model_copy(update={"due_at": self._clock.now() + _RETRY_AFTER})]
            )
