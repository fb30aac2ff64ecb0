"""Connections to a SQLite file, and which of its errors mean that the file cannot be used now."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from service_kit.docstore.port import StoreUnavailable

_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
_PRIMARY_CODE = 0xFF
_CACHED_STATEMENTS = 512
_READER_CACHE_KIB = 8 * 1024
_LOOKER_CACHE_KIB = 256
_WRITER_CACHE_KIB = 32 * 1024
_JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
_CHECKPOINT_PAGES = 4000


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A database file and how to open it. `max_pages` caps its size; None leaves that to the disk."""

    path: Path
    busy_timeout_seconds: float = 5.0
    max_pages: int | None = None

    def open_writer(self) -> sqlite3.Connection:
        """A connection whose commits are on disk when they return.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        connection = self._open(_WRITER_CACHE_KIB)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON").fetchall()  # what is erased shall not linger in the file
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}").fetchall()
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}").fetchall()
        if self.max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {int(self.max_pages)}").fetchall()
        return connection

    def open_reader(self) -> sqlite3.Connection:
        """A connection that cannot write.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        connection = self._open(_READER_CACHE_KIB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def open_looker(self) -> sqlite3.Connection:
        """A connection that reads for the operating system's memory only, and keeps little itself.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        connection = self._open(_LOOKER_CACHE_KIB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def open_quick_reader(self) -> sqlite3.Connection:
        """A connection that cannot write and never waits for a lock.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        connection = self._open(_READER_CACHE_KIB, wait_seconds=0.0)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _open(self, cache_kib: int, *, wait_seconds: float | None = None) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self.busy_timeout_seconds if wait_seconds is None else wait_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection


def as_unavailable(error: BaseException) -> StoreUnavailable | None:
    """The port's error, if `error` says that the file cannot be used now; None for mistakes of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None or code & _PRIMARY_CODE not in _UNAVAILABLE:
        return None
    unavailable = StoreUnavailable(f"the store cannot be used now: {error}")
    unavailable.__cause__ = error
    return unavailable
