"""All reads of one SQLite file: what is short at once, the rest on threads."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from service_kit.docstore.sqlite_ahead import ReadAhead
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_quick_reads import NotQuickError, QuickReads
from service_kit.docstore.sqlite_readers import ReaderPool

T = TypeVar("T")

_LOOKERS = 7
"""Threads that read ahead: with the reader itself eight reads of the disk are under way."""


class StoreReads:
    """Runs reads; each sees every commit that was answered before it began."""

    def __init__(self, file: SqliteFile, *, threads: int) -> None:
        self._quick = QuickReads(file.open_quick_reader)
        self._pool = ReaderPool(file.open_reader, threads=threads)
        self._lookers = ReaderPool(file.open_looker, threads=_LOOKERS)
        self.ahead = ReadAhead(self._lookers)
        self._is_running = False

    def start(self) -> None:
        """Take reads from now on."""
        self._is_running = True
        self._lookers.start()
        self._pool.start()

    async def run(self, read: Callable[[sqlite3.Connection], T], *, is_long: bool = False) -> T:
        """What `read` returned; one that is known to be long is not tried on the event loop.

        Raises:
            StoreUnavailable: the file cannot be read now.
        """
        if not is_long:
            await asyncio.sleep(0)  # a caller that reads page after page must not keep the loop to itself
            if self._is_running:
                with suppress(NotQuickError):
                    return self._quick.attempt(read)
        return await self._pool.run(read)

    async def stop(self) -> None:
        """Finish the reads already given, refuse new ones at once, and close."""
        self._is_running = False
        self._quick.close()
        await self._pool.stop()
        await self._lookers.stop()  # last: reads that are being finished look ahead
