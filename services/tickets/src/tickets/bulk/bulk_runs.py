"""Bulk actions under way: each is carried to its end, whoever asked, listens or dies (L8).

Whoever begins one carries it out; a timer finds those whose carrier went silent, on any replica and in any later life.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog

from contracts.ids import derive_id, new_id
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import InvalidCursorError, Page, Sort
from service_kit.docstore.cursor import Position, read_cursor, write_cursor
from service_kit.errors import TransientError
from service_kit.timers import Due, Timers
from tickets.bulk.bulk import BATCH, Bulk, BulkChange, BulkResult
from tickets.bulk.bulk_run import FORGET, LEASE, BulkRun, advanced, begun, taken_up
from tickets.bulk.bulk_run_store import BulkRunStore
from tickets.ticket.ticket_problems import no_such, too_many_bulk_actions

MAX_RUNS = 8
"""Carried out at once in one process: those that it began, and those that it took up from others."""

_FINISH_SECONDS = 10.0
_LOOK_SECONDS = 0.25
"""How often a listener looks for what another process did."""
_BY_POSITION = Sort("position")

logger = structlog.get_logger()

Progress = tuple[BulkRun, Sequence[BulkResult]]
"""How far a run is, and the results of its latest part."""


class NoRoomForRunError(TransientError):
    """A run that somebody left waits until there is room here, or elsewhere."""


class BulkRuns:
    """A part of the service: what runs when it stops has some seconds to end; the rest is carried on by others."""

    def __init__(self, bulk: Bulk, store: BulkRunStore, clock: Clock) -> None:
        self._bulk = bulk
        self._store = store
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken_up = 0
        self._news = asyncio.Condition()
        self._is_stopping = False

    def timers(self) -> Timers[BulkRun]:
        """What carries on with what was interrupted, and forgets what has long ended."""
        return Timers(self._store.collection, self._clock, self.fire, lease_seconds=LEASE.total_seconds())

    async def earlier(self, principal: Principal, request_id: str | None) -> BulkRun | None:
        """The run that the same request began before."""
        if request_id is None:
            return None
        return await self._store.find(principal.account_id, derive_id("run", request_id))

    async def begin(
        self, principal: Principal, change: BulkChange, ids: Sequence[str], *, request_id: str | None = None
    ) -> BulkRun:
        """Begin an action; the same request again is the same run.

        Raises:
            Problem: too many are under way.
        """
        if self._is_full:
            raise too_many_bulk_actions(MAX_RUNS)
        run_id = derive_id("run", request_id) if request_id else new_id("run")
        settled = await self._bulk.settled(principal, change)
        run, parts = begun(run_id, principal, settled, ids, self._clock.now())
        stored = await self._store.insert(run, parts)
        if stored is None:
            return await self.get(principal.account_id, run_id)
        crash_point("tickets.bulk_begun")
        if not stored.has_ended:
            task = asyncio.create_task(self._carried_out(stored), name="tickets.bulk")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return stored

    async def get(self, account_id: str, run_id: str) -> BulkRun:
        """One run.

        Raises:
            Problem: this account has none of this id.
        """
        run = await self._store.find(account_id, run_id)
        if run is None:
            raise no_such("bulk action")
        return run

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[BulkRun]:
        """An account's runs, the newest first."""
        return await self._store.page(account_id, limit=limit, cursor=cursor)

    async def results(self, run: BulkRun, *, limit: int, cursor: str | None) -> tuple[Sequence[BulkResult], str | None]:
        """A page of what became of its tickets so far, in the order given, and the cursor of the next."""
        start = _start_of(run, cursor)
        first = start // BATCH
        parts = await self._store.parts(run.id, range(first, min(run.next_part, (start + limit) // BATCH + 1)))
        found = [result for part in parts for result in part.results][start - first * BATCH :]
        page, end = found[:limit], start + limit
        more = len(page) == limit and end < run.done
        return page, write_cursor(_BY_POSITION, Position(value=end, id=run.id)) if more else None

    async def follow(self, run: BulkRun) -> AsyncIterator[Progress]:
        """The run as it goes on, part by part from its first, to its end or until this process stops."""
        told = 0
        while True:
            run = await self.get(run.account_id, run.id)
            for part in await self._store.parts(run.id, range(told, run.next_part)):
                told += 1
                yield run, part.results
            if run.has_ended or self._is_stopping:
                yield run, ()
                return
            await self._pause()

    async def fire(self, run: BulkRun, due: Due) -> None:
        """Carry on with a run whose carrier went silent, or forget one that ended long ago.

        Raises:
            NoRoomForRunError: too many are under way; it is tried again soon.
        """
        if due.kind == FORGET:
            await self._store.delete(run)
            return
        if self._is_full:
            raise NoRoomForRunError(f"{MAX_RUNS} bulk actions are under way")
        self._taken_up += 1
        try:
            taken = await self._store.replace(taken_up(run, self._clock.now()))
            if taken is not None and not taken.has_ended:
                logger.info("bulk_resumed", run_id=run.id, account_id=run.account_id, part=run.next_part)
                await self._carry_out(taken)
        finally:
            self._taken_up -= 1

    async def start(self) -> None:
        """Nothing is under way yet."""

    async def stop(self) -> None:
        """Let what is under way end; what takes too long is cut off, and carried on by another life."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_FINISH_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self._is_stopping = True
        await self._tell()

    @property
    def _is_full(self) -> bool:
        return len(self._tasks) + self._taken_up >= MAX_RUNS

    async def _carried_out(self, run: BulkRun) -> None:
        """What a request began; where it fails, the timer tries again."""
        try:
            await self._carry_out(run)
        except TransientError as error:
            logger.warning("bulk_delayed", run_id=run.id, account_id=run.account_id, error=repr(error))
        except Exception:
            logger.exception("bulk_failed", run_id=run.id, account_id=run.account_id)

    async def _carry_out(self, run: BulkRun) -> None:
        edit = await self._bulk.ready(run.principal, run.change)
        while not run.has_ended:
            [part] = await self._store.parts(run.id, range(run.next_part, run.next_part + 1))
            results = await self._bulk.batch(run.account_id, part.ids, edit)
            crash_point("tickets.bulk_part_done")
            await self._store.save_part(part.model_copy(update={"codes": tuple(one.code for one in results)}))
            crash_point("tickets.bulk_part_saved")
            after = await self._store.replace(advanced(run, results, self._clock.now()))
            if after is None:
                return  # somebody took it for abandoned, and carries it on
            run = after
            await self._tell()
        about = {"account_id": run.account_id, "action": run.change.action, "by": run.principal.credential_id}
        logger.info("bulk_ended", **about, run_id=run.id, total=run.total, done=run.done, failed=run.failed)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS), self._news:
                await self._news.wait()
        except TimeoutError:
            return


def _start_of(run: BulkRun, cursor: str | None) -> int:
    if cursor is None:
        return 0
    last = read_cursor(_BY_POSITION, cursor)
    if last.id != run.id or not isinstance(last.value, int) or not 0 <= last.value <= run.total:
        raise InvalidCursorError("the cursor belongs to another run")
    return last.value
