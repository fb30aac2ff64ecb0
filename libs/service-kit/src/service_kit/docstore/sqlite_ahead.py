"""Reading ahead: several threads look at rows that somebody is about to read one by one, or at an index at the start.

A disk brings eight pages in little more than the time of one. What is looked at stays in the operating system's memory,
where the reader finds it; nothing is handed over, so that a page still is of one moment, and nothing waits.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from service_kit.docstore.sqlite_readers import ReaderPool

_SHARES = 8
_FEW_KEYS = 16
"""Read as fast as they are shared out."""
_MOST_KEYS = 200

LookAhead = Callable[[str, str, Sequence[str | int]], None]
"""Look at the rows of a table whose column (an id or a number) holds these, in the order in which they will be read."""


class ReadAhead:
    """Looks at rows; whether and when it succeeds changes nothing but how long their reader waits.

    What cannot be looked at cannot be read either, and its reader says so.
    """

    def __init__(self, pool: ReaderPool, *, stretch: int = 20_000) -> None:
        self._pool = pool
        self._stretch = stretch

    def __call__(self, table: str, column: str, keys: Sequence[str | int]) -> None:
        """Share the keys out but for the first, which the reader reads meanwhile."""
        if not _FEW_KEYS <= len(keys) <= _MOST_KEYS:
            return
        statement = f"SELECT sum(length(body)) FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608
        each = -(-len(keys) // _SHARES)
        for start in range(each, len(keys), each):
            self._pool.submit(partial(_look, statement, json.dumps(keys[start : start + each])))

    def warm(self, table: str, index: str, after: int = 0) -> None:
        """Look through an index by row, stretch by stretch, so that a stop need not wait for all of it."""
        self._pool.submit(partial(self._warm, table, index, after))

    def _warm(self, table: str, index: str, after: int, connection: sqlite3.Connection) -> None:
        stretch = f'SELECT n FROM {table} INDEXED BY "{index}" WHERE n > ? ORDER BY n LIMIT {self._stretch}'  # noqa: S608
        (reached,) = connection.execute(f"SELECT max(n) FROM ({stretch})", (after,)).fetchone()  # noqa: S608
        if reached is not None:
            self.warm(table, index, reached)


def _look(statement: str, keys: str, connection: sqlite3.Connection) -> None:
    connection.execute(statement, (keys,)).fetchone()
