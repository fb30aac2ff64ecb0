"""Bulk actions under way: each is carried to its end, whether or not whoever asked still listens (L8).

Only the end of the process stops one half-way; then its stream ends without its last line, and the same request again
does what is left.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import structlog

from service_kit.auth import Principal
from tickets.bulk import Bulk, BulkChange, BulkResult
from tickets.ticket_problems import too_many_bulk_actions

MAX_RUNS = 8
"""At once in one process."""

_FINISH_SECONDS = 10.0

logger = structlog.get_logger()


@dataclass(slots=True)
class BulkRun:
    """One action under way; to be listened to once. `has_ended` says that all was done that could be."""

    total: int
    has_ended: bool = False
    _batches: asyncio.Queue[Sequence[BulkResult] | None] = field(default_factory=asyncio.Queue)

    async def batches(self) -> AsyncIterator[Sequence[BulkResult]]:
        """Results as they come, until there are no more."""
        while (batch := await self._batches.get()) is not None:
            yield batch

    def tell(self, batch: Sequence[BulkResult] | None) -> None:
        """The next results; None after the last."""
        self._batches.put_nowait(batch)


class BulkRuns:
    """A part of the service: what runs when it stops has some seconds to end."""

    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, principal: Principal, change: BulkChange, ids: Sequence[str]) -> BulkRun:
        """Begin an action.

        Raises:
            Problem: too many are under way.
        """
        if len(self._tasks) >= MAX_RUNS:
            raise too_many_bulk_actions(MAX_RUNS)
        run = BulkRun(total=len(frozenset(ids)))
        task = asyncio.create_task(self._carry_out(run, principal, change, ids), name="tickets.bulk")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def start(self) -> None:
        """Nothing is under way yet."""

    async def stop(self) -> None:
        """Let what is under way end; what takes too long is cut off, and its stream says so by having no end."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_FINISH_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _carry_out(self, run: BulkRun, principal: Principal, change: BulkChange, ids: Sequence[str]) -> None:
        done = failed = 0
        try:
            async for batch in self._bulk.run(principal, change, ids):
                run.tell(batch)
                done += len(batch)
                failed += sum(not result.ok for result in batch)
            run.has_ended = True
        except Exception:
            logger.exception("bulk_failed", account_id=principal.account_id, action=change.action, done=done)
        finally:
            run.tell(None)
            about = {"account_id": principal.account_id, "action": change.action, "by": principal.credential_id}
            logger.info("bulk_ended", **about, total=run.total, done=done, failed=failed, is_whole=run.has_ended)
