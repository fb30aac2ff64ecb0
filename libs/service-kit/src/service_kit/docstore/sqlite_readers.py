"""The threads that read a SQLite file: each has a connection of its own, and none is ever used on the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock, local
from typing import TypeVar

from service_kit.docstore.port import StoreUnavailable
from service_kit.docstore.sqlite_connection import as_unavailable

T = TypeVar("T")


class ReaderPool:
    """Runs reads; each sees every commit that was answered before it began."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection], *, threads: int) -> None:
        self._open = open_connection
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._mine = local()
        self._connections: set[sqlite3.Connection] = set()
        self._register = Lock()

    def start(self) -> None:
        """Take reads from now on."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="sqlite-reader")

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` returned.

        Raises:
            StoreUnavailable: the file cannot be read now.
        """
        return await asyncio.wrap_future(self.submit(read))

    def submit(self, read: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """The same for who does not wait on the event loop, or not at all.

        Raises:
            StoreUnavailable: the file cannot be read now.
        """
        if self._executor is None:
            raise StoreUnavailable("the store is not running")
        return self._executor.submit(self._attempt, read)

    async def stop(self) -> None:
        """Finish the reads already given, refuse new ones at once, and close."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _attempt(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return read(self._connection())
        except sqlite3.Error as error:
            unavailable = as_unavailable(error)
            if unavailable is None:
                raise
            self._discard()
            raise unavailable from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._open()
            with self._register:
                self._connections.add(connection)
        return connection

    def _discard(self) -> None:
        """Let go of this thread's connection; its next read opens another one."""
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if connection is not None:
            with self._register:
                self._connections.discard(connection)
            # A file that cannot be read may refuse to be closed in order as well; the caller knows already.
            with suppress(sqlite3.Error):
                connection.close()
