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
_SOONEST_SECONDS = 0.01
_TOGETHER_SECONDS = 0.25
"""What is in flight may end meanwhile, before more of what is due is claimed."""

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
        interval_seconds: float = 1.0,
    ) -> None:
        """`interval_seconds` pass at most between looks: what was set after one, for sooner, is as late as that."""
        self._collection = collection
        self._clock = clock
        self._fire = fire
        self._lease = timedelta(seconds=lease_seconds)
        self._interval = timedelta(seconds=interval_seconds)
        self._due_next: datetime | None = None
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
        return _TimersWorker(self._interval.total_seconds(), self._keep_firing, self._finish, self._seconds_to_next)

    async def _keep_firing(self) -> None:
        while await self._begin():
            await asyncio.wait(self._in_flight, timeout=_TOGETHER_SECONDS)

    def _seconds_to_next(self) -> float:
        """How long nothing is due, as far as the last look could see."""
        longest = self._interval.total_seconds()
        if self._due_next is None:
            return longest
        return min(longest, max(_SOONEST_SECONDS, (self._due_next - self._clock.now()).total_seconds()))

    async def _begin(self) -> list[asyncio.Task[bool]]:
        """Claim what is due, oldest first and as far as there is room, and begin to fire it."""
        room = _CONCURRENT_FIRES - len(self._in_flight)
        now = self._clock.now()
        if room <= 0:
            self._due_next = now + timedelta(seconds=_TOGETHER_SECONDS)
            return []
        # Also what is due before the next look: that look comes in time for it, however rarely there is one else.
        page = await self._collection.find(Cmp("due_at", "<=", now + self._interval), sort=Sort("due_at"), limit=room)
        due = [document for document in page.items if document.due_at is not None and document.due_at <= now]
        self._due_next = page.items[len(due)].due_at if len(due) < len(page.items) else None
        if self._lateness is not None:
            # Not `due_at`: a claim moves that on, and a timer that fails again and again would never look late.
            self._lateness.observe(self._name, [document.due[0].at for document in due if document.due], now)
        begun = [asyncio.create_task(self._fires(document)) for document in await self._claim(due, now)]
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
    """Looks again when something is due, and stops when also what it began has ended."""

    def __init__(
        self,
        interval_seconds: float,
        run: Callable[[], Awaitable[None]],
        finish: Callable[[], Awaitable[None]],
        seconds_to_next: Callable[[], float],
    ) -> None:
        super().__init__("timers", interval_seconds, run)
        self._finish = finish
        self._seconds_to_next = seconds_to_next

    async def stop(self) -> None:
        """Begin nothing more, and let what was begun end."""
        await super().stop()
        await self._finish()

    def _delay(self, failures: int) -> float:
        return super()._delay(failures) if failures else self._seconds_to_next()
