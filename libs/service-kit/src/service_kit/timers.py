"""Due times that live in the document they concern, so that no crash can forget one.

Any replica may fire a timer: it claims the document by compare-and-swap and moves its due time behind a lease.
A timer may fire late or twice, never not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime
from service_kit.clock import Clock
from service_kit.docstore import Cmp, Collection, Document, Fate, Sort
from service_kit.errors import TransientError
from service_kit.timer_lateness import TimerLateness
from service_kit.worker import PeriodicWorker

_CONCURRENT_FIRES = 32
_FINISH_SECONDS = 10.0
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
        self._in_flight: set[asyncio.Task[bool]] = set()
        self._lateness: TimerLateness | None = None
        self._name = ""

    async def run_due(self) -> int:
        """Fire what is due by now, oldest first, to the end; how many fired without an error."""
        fired = 0
        while begun := await self._begin():
            fired += sum(await asyncio.gather(*begun))
        return fired

    def worker(self, metrics: CollectorRegistry | None = None, name: str = "") -> PeriodicWorker:
        """The timers as a part of the service: one that takes long to fire does not hold up those that come later.

        They tell `metrics`, under this `name`, by how much they are late.
        """
        if metrics is not None:
            self._lateness, self._name = TimerLateness.on(metrics), name
        return _TimersWorker("timers", self._interval, self._keep_firing, self._finish)

    async def _keep_firing(self) -> None:
        while await self._begin():
            await asyncio.wait(self._in_flight, timeout=self._interval)

    async def _begin(self) -> list[asyncio.Task[bool]]:
        """Claim what is due, oldest first and as far as there is room, and begin to fire it."""
        room = _CONCURRENT_FIRES - len(self._in_flight)
        if room <= 0:
            return []
        now = self._clock.now()
        page = await self._collection.find(Cmp("due_at", "<=", now), sort=Sort("due_at"), limit=room)
        if self._lateness is not None:
            # Not `due_at`: a claim moves that on, and a timer that fails again and again would never look late.
            due = [document.due[0].at for document in page.items if document.due]
            self._lateness.observe(self._name, due, now)
        begun = [asyncio.create_task(self._fires(document)) for document in await self._claim(page.items, now)]
        self._in_flight.update(begun)
        for task in begun:
            task.add_done_callback(self._settle)
        return begun

    def _settle(self, task: asyncio.Task[bool]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("timer_failed", exc_info=error)

    async def _finish(self) -> None:
        """Let what is in flight end; what takes too long is fired once more when its lease has run out."""
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=_FINISH_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

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


class _TimersWorker(PeriodicWorker):
    """Stops when also what it began has ended."""

    def __init__(
        self,
        name: str,
        interval_seconds: float,
        run: Callable[[], Awaitable[None]],
        finish: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(name, interval_seconds, run)
        self._finish = finish

    async def stop(self) -> None:
        """Begin nothing more, and let what was begun end."""
        await super().stop()
        await self._finish()
