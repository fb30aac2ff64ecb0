"""The one thread that writes to a SQLite file, with group commit.

Whatever the event loop asks for while a commit is being synced goes into the next transaction together: one sync
for many writers. When one job of a group is a mistake, the group is undone and its jobs are run again one by one, so
that it spoils nobody else's work. (Savepoints would do as well; measured, they double the cost of every write.)
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
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
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a job's caller is to hear."""

    result: Any = None
    error: BaseException | None = None


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
                self._jobs, loop = SimpleQueue(), asyncio.get_running_loop()
                # A daemon: a process that never calls `stop` must still be able to end.
                self._thread = Thread(target=self._serve, args=(self._jobs, loop), name="sqlite-writer", daemon=True)
                self._thread.start()

    async def run(self, work: Work[T], *, weight: int = 1) -> T:
        """What `work` returned, committed.

        A caller that is cancelled leaves the others alone; its own job may or may not have happened.

        Raises:
            StoreUnavailable: nothing of it is known to be stored.
        """
        job = _Job(work, weight, asyncio.get_running_loop().create_future())
        with self._door:
            if self._thread is None:
                raise StoreUnavailable("the store is not running")
            self._jobs.put(job)
        answer: T = await job.answer
        return answer

    async def stop(self) -> None:
        """Finish the jobs already given, refuse new ones at once, and close."""
        with self._door:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._jobs.put(None)
        await asyncio.to_thread(thread.join)

    def _serve(self, jobs: SimpleQueue[_Job | None], loop: asyncio.AbstractEventLoop) -> None:
        ended = False
        while not ended:
            group, ended = _next_group(jobs)
            live = [job for job in group if not job.answer.cancelled()]
            if live:
                answers = self._settle(live)
                with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
                    loop.call_soon_threadsafe(_tell, live, answers)
        self._close()

    def _settle(self, group: list[_Job]) -> list[_Answer]:
        try:
            return [_Answer(result) for result in self._commit(group)]
        except BaseException as error:  # noqa: BLE001 - whatever happened, every caller must hear of it
            # Closing rolls back for certain; after some errors SQLite has done so already, after others not.
            self._close()
            if len(group) > 1 and as_unavailable(error) is None:
                return [answer for job in group for answer in self._settle([job])]
            return [_Answer(error=as_unavailable(error) or error)] * len(group)

    def _commit(self, group: list[_Job]) -> list[Any]:
        connection = self._connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        results = [job.work(connection) for job in group]
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
    weight = 0
    job = jobs.get()
    while job is not None:
        group.append(job)
        weight += job.weight
        if weight >= _MAX_GROUP_WEIGHT:
            return group, False
        try:
            job = jobs.get_nowait()
        except Empty:
            return group, False
    return group, True


def _tell(jobs: list[_Job], answers: list[_Answer]) -> None:
    """Tell the callers, on their loop: one wake-up for a whole group."""
    for job, answer in zip(jobs, answers, strict=True):
        if job.answer.done():
            continue
        if answer.error is None:
            job.answer.set_result(answer.result)
        else:
            job.answer.set_exception(answer.error)
