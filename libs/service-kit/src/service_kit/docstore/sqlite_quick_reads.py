"""Short reads of a SQLite file on the event loop's own thread.

A few rows by their index are read in less time than it takes to wake a thread and to hear from it. Whatever turns out
longer is given up after a bounded number of SQLite's steps, and has then cost the loop less than the detour would.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_STEPS_PER_LOOK = 250
_LOOKS = 4
"""A thousand steps in all: about fifty rows, or a tenth of a millisecond."""


class NotQuickError(Exception):
    """The read would take long, or the file cannot be read without waiting; whoever has a thread tries again."""


class QuickReads:
    """One connection, used by the event loop alone. It never waits for a lock."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._connection: sqlite3.Connection | None = None
        self._looks_left = 0

    def attempt(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` returned, if that took little.

        Raises:
            NotQuickError: it did not.
        """
        try:
            connection = self._connection = self._connection or self._open_watched()
            self._looks_left = _LOOKS
            return read(connection)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                self.close()
            raise NotQuickError from error

    def close(self) -> None:
        """Let go of the connection; the next read opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # A file that cannot be read may refuse to be closed in order as well; a thread's read says so.
            with suppress(sqlite3.Error):
                connection.close()

    def _open_watched(self) -> sqlite3.Connection:
        connection = self._open()
        connection.set_progress_handler(self._is_over, _STEPS_PER_LOOK)
        return connection

    def _is_over(self) -> bool:
        self._looks_left -= 1
        return self._looks_left < 0
