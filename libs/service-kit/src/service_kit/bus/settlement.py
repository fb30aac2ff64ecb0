"""What becomes of a batch: the failure policy that every engine shares, without any engine.

A handler that fails for a passing reason is tried again in place, so that order per key stays. One that fails for
good gets its batch halved, in order, until the culprit stands alone; that record is dead-lettered and the rest flows.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from contracts.envelope import Event
from service_kit.bus.codec import Decoded, Malformed, UnknownType, Unwanted
from service_kit.bus.dead_letter import Verdict
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.patience import Patience
from service_kit.bus.port import Subscription
from service_kit.bus.record import Record
from service_kit.bus.tracing import batch_span
from service_kit.errors import PermanentError, TransientError

_TRANSIENT = (TransientError, OSError)
"""OSError covers refused connections and timeouts that an adapter forgot to name: never worth a dead letter."""

_MOST_UNKNOWN_TOLD = 100
"""Each unknown type is logged once; the counter counts the rest."""

log = structlog.get_logger(__name__)

Decode = Callable[[Record], Decoded]
SetAside = Callable[[Record, Verdict], Awaitable[None]]
Pause = Callable[[float], Awaitable[bool]]
"""Waits so many seconds; False when the bus is stopping."""
Jitter = Callable[[], float]
"""A number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Every record was handled, dead-lettered or skipped: all may be committed."""


@dataclass(frozen=True, slots=True)
class Halted:
    """Only the first `settled` records may be committed; the subscription must not go on now."""

    settled: int
    reason: str


Outcome = Settled | Halted


@dataclass(frozen=True, slots=True)
class _Item:
    """One record that needs work, and its place in the batch."""

    index: int
    record: Record
    content: Event | Malformed


@dataclass(frozen=True, slots=True)
class _Done:
    attempts: int


@dataclass(frozen=True, slots=True)
class _Refused:
    error: Exception
    attempts: int


@dataclass(frozen=True, slots=True)
class _GivenUp:
    error: Exception
    attempts: int


_Attempted = _Done | _Refused | _GivenUp


class Settlement:
    """Settles the batches of one subscription. The run of dead letters is counted over batches."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        decode: Decode,
        set_aside: SetAside,
        pause: Pause,
        jitter: Jitter,
        patience: Patience,
        metrics: BusMetrics,
    ) -> None:
        self._subscription = subscription
        self._decode = decode
        self._set_aside = set_aside
        self._pause = pause
        self._jitter = jitter
        self._patience = patience
        self._metrics = metrics
        self._reader = (subscription.topic.name, subscription.group)
        self._dead_in_a_row = 0
        self._unknown_told: set[str] = set()

    async def settle(self, records: Sequence[Record]) -> Outcome:
        """Bring every record to an end, in order, as far as that is possible now."""
        work = deque(_runs(self._items(records)))
        if not work:
            return Settled()
        with batch_span(*self._reader, records):
            return await self._settle_all(work)

    async def _settle_all(self, work: deque[Sequence[_Item]]) -> Outcome:
        while work:
            run = work.popleft()
            trouble = await self._settle_run(run, work)
            if trouble is not None:
                return Halted(run[0].index, trouble)
        return Settled()

    def _items(self, records: Sequence[Record]) -> list[_Item]:
        items = []
        for index, record in enumerate(records):
            match self._decode(record):
                case UnknownType(type=name):
                    self._ignore(name, record)
                case Unwanted():
                    continue
                case content:
                    items.append(_Item(index, record, content))
        return items

    def _ignore(self, name: str, record: Record) -> None:
        self._metrics.unknown_types.labels(*self._reader).inc()
        if name not in self._unknown_told and len(self._unknown_told) < _MOST_UNKNOWN_TOLD:
            self._unknown_told.add(name)
            log.warning("unknown_event_type", event_type=name[:200], **self._place(record))

    async def _settle_run(self, run: Sequence[_Item], work: deque[Sequence[_Item]]) -> str | None:
        """Settle one run, or put its halves back on `work`; says why when neither is possible now."""
        first = run[0]
        if isinstance(first.content, Malformed):
            return await self._bury(first.record, Verdict(first.content.reason, first.content.error, attempts=0))
        events = [item.content for item in run if isinstance(item.content, Event)]
        attempted = await self._attempt(lambda: self._subscription.handle(events))
        match attempted:
            case _Done():
                self._dead_in_a_row = 0
                return None
            case _GivenUp(error=error, attempts=attempts):
                return f"{type(error).__name__} after {attempts} attempts"
            case _Refused(error=error, attempts=attempts) if len(run) == 1:
                reason = error.code if isinstance(error, PermanentError) else "unexpected"
                return await self._bury(first.record, Verdict(reason, type(error).__name__, attempts))
            case _Refused():
                middle = len(run) // 2
                work.extendleft((run[middle:], run[:middle]))
                return None

    async def _attempt(self, call: Callable[[], Awaitable[None]]) -> _Attempted:
        attempt = 1
        while True:
            try:
                await call()
            except Exception as error:  # noqa: BLE001 - whatever a handler raises must end in a verdict
                if not _is_transient(error):
                    return _Refused(error, attempt)
                delay = self._patience.delay(attempt, self._jitter())
                if attempt == self._subscription.max_attempts or not await self._pause(delay):
                    return _GivenUp(error, attempt)
                self._metrics.retries.labels(*self._reader).inc()
                attempt += 1
            else:
                return _Done(attempt)

    async def _bury(self, record: Record, verdict: Verdict) -> str | None:
        """Dead-letter one record; says why when that must not or cannot be done.

        At the limit nothing more is set aside until a record succeeds or the process starts anew: bad code would
        otherwise drain the whole topic.
        """
        if self._dead_in_a_row >= self._subscription.dead_letter_limit:
            return f"{self._dead_in_a_row} dead letters in a row"
        attempted = await self._attempt(lambda: self._set_aside(record, verdict))
        if not isinstance(attempted, _Done):
            return f"{type(attempted.error).__name__} while writing a dead letter"
        self._dead_in_a_row += 1
        self._metrics.dead_letters.labels(*self._reader, verdict.reason).inc()
        log.error("dead_lettered", reason=verdict.reason, error=verdict.error, **self._place(record))
        return None

    def _place(self, record: Record) -> dict[str, str]:
        topic, group = self._reader
        return {"topic": topic, "group": group, "position": record.position}


def _is_transient(error: BaseException) -> bool:
    """Whether trying again may help; of a task group's errors one such is enough: the others will show again."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_transient(one) for one in error.exceptions)
    return isinstance(error, _TRANSIENT)


def _runs(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    """Split into runs of events, each malformed record alone: it must not cost its neighbours anything."""
    runs: list[list[_Item]] = []
    for item in items:
        alone = isinstance(item.content, Malformed)
        if not runs or alone or isinstance(runs[-1][-1].content, Malformed):
            runs.append([])
        runs[-1].append(item)
    return list(runs)
