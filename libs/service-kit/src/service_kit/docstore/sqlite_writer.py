"""The one thread that writes to a SQLite file, with group commit.

Whatever the event loop asks for while a commit is being synced goes into the next transaction together, each
job in a savepoint of its own: one sync for many writers, and one writer's mistake undoes nobody else's work.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from service_kit.docstore.port import StoreUnavailable
from service_kit.docstore.sqlite_connection import as_unavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_MAX_GROUP_WEIGHT = 2_000
"""Documents in one transaction: more would make the first of its writers wait for the last."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    weight: int
    outcome: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Failed:
    """A job undone alone; the others of its group are not concerned."""

    error: Exception


class GroupCommitWriter:
    """Runs jobs in the order in which they were given; a job's answer comes after its commit is on disk."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._connection: sqlite3.Connection | None = None
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._door = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Take jobs from now on."""
        with self._door:
            if self._thread is None:
                self._jobs = SimpleQueue()
                # A daemon: a process that never calls `stop` must still be able to end.
                self._thread = Thread(target=self._serve, args=(self._jobs,), name="sqlite-writer", daemon=True)
                self._thread.start()

    async def run(self, work: Work[T], *, weight: int = 1) -> T:
        """What `work` returned, committed.

        A caller that is cancelled leaves the others alone; its own job may or may not have happened.

        Raises:
            StoreUnavailable: nothing of it is known to be stored.
        """
        job = _Job(work, weight)
        with self._door:
            if self._thread is None:
                raise StoreUnavailable("the store is not running")
            self._jobs.put(job)
        outcome: T = await asyncio.wrap_future(job.outcome)
        return outcome

    async def stop(self) -> None:
        """Finish the jobs already given, refuse new ones at once, and close."""
        with self._door:
            thread, self._thread = self._thread, None
            self._jobs.put(None)
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def _serve(self, jobs: SimpleQueue[_Job | None]) -> None:
        ended = False
        while not ended:
            group, ended = _next_group(jobs)
            live = [job for job in group if job.outcome.set_running_or_notify_cancel()]
            if live:
                self._settle(live)
        self._close()

    def _settle(self, group: list[_Job]) -> None:
        try:
            results = self._commit(group)
        except Exception as error:  # noqa: BLE001 - whatever happened, every caller must hear of it
            self._close()
            for job in group:
                job.outcome.set_exception(as_unavailable(error) or _not_committed(error))
            return
        for job, result in zip(group, results, strict=True):
            if isinstance(result, _Failed):
                job.outcome.set_exception(result.error)
            else:
                job.outcome.set_result(result)

    def _commit(self, group: list[_Job]) -> list[Any]:
        connection = self._connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        results = [_attempt(connection, job.work) for job in group]
        connection.execute("COMMIT")
        return results

    def _close(self) -> None:
        """Let go of the connection, and with it of a transaction in doubt; the next group opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # A file that cannot be used may refuse to be closed in order as well; its callers know already.
            with suppress(sqlite3.Error):
                connection.close()


def _next_group(jobs: SimpleQueue[_Job | None]) -> tuple[list[_Job], bool]:
    """All jobs that wait (at least one), up to the cap; and whether the end was reached."""
    group: list[_Job] = []
    job = jobs.get()
    while job is not None:
        group.append(job)
        if sum(waiting.weight for waiting in group) >= _MAX_GROUP_WEIGHT:
            return group, False
        try:
            job = jobs.get_nowait()
        except Empty:
            return group, False
    return group, True


def _attempt(connection: sqlite3.Connection, work: Work[Any]) -> Any:
    connection.execute("SAVEPOINT job")
    try:
        result = work(connection)
    except Exception as error:
        if as_unavailable(error):
            raise  # SQLite may have rolled the whole transaction back: nobody's part is certain any more
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return _Failed(error)
    connection.execute("RELEASE job")
    return result


def _not_committed(error: Exception) -> StoreUnavailable:
    unavailable = StoreUnavailable(f"the store did not commit: {error}")
    unavailable.__cause__ = error
    return unavailable
