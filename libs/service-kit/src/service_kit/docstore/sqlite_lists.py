"""The rows of one list field: which strings are held by which documents."""

import sqlite3
from collections.abc import Iterable


class ListTable:
    """`(term, n)` of one list field. No index by `n`: a document's own row says which of these are its own."""

    def __init__(self, collection: str, field: str) -> None:
        self.name = f'"{collection}__{field}"'
        # The name is made of the specification's checked names, never of anything that came from outside.
        self._insert = f"INSERT INTO {self.name} (term, n) VALUES (?, ?)"  # noqa: S608
        self._delete = f"DELETE FROM {self.name} WHERE term = ? AND n = ?"  # noqa: S608

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the table."""
        connection.execute(
            f"CREATE TABLE {self.name} (term TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (term, n)) WITHOUT ROWID"
        )

    def add(self, connection: sqlite3.Connection, n: int, terms: Iterable[str]) -> None:
        """Document `n` holds `terms` from now on."""
        connection.executemany(self._insert, [(term, n) for term in terms])

    def remove(self, connection: sqlite3.Connection, n: int, terms: Iterable[str]) -> None:
        """Document `n` does not hold `terms` any more."""
        connection.executemany(self._delete, [(term, n) for term in terms])
