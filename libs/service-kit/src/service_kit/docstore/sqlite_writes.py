"""Writing documents of one collection inside the writer's transaction.

Nobody else writes meanwhile, so what is read here is still true when it is written.
"""

import sqlite3
from dataclasses import dataclass
from typing import Generic

from service_kit.docstore.port import D, Fate
from service_kit.docstore.scalars import Stored
from service_kit.docstore.sqlite_table import Row, Table


@dataclass(frozen=True, slots=True)
class _StoredRow:
    """What an earlier write left, as far as the next one must know it."""

    n: int
    rev: int
    lists_text: str
    scalars: tuple[Stored, ...]


class DocumentWrites(Generic[D]):
    """The three writes of one collection; each says what became of its document."""

    def __init__(self, table: Table[D]) -> None:
        self._table = table
        columns = ("id", "rev", "body", "lists", *table.columns)
        # Statements are made of the specification's checked names; whatever comes from outside is bound.
        self._insert = (
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
            " ON CONFLICT DO NOTHING RETURNING n"
        )
        self._select = f"SELECT {', '.join(('n', 'rev', 'lists', *table.columns))} FROM {table.name} WHERE id = ?"  # noqa: S608
        self._delete = f"DELETE FROM {table.name} WHERE n = ?"  # noqa: S608

    def insert(self, connection: sqlite3.Connection, document: D) -> Fate:
        """DONE, EXISTS or CONFLICT."""
        row = self._table.row(document, 1)
        inserted = connection.execute(
            self._insert, (row.id, row.rev, row.body, row.lists_text, *row.scalars)
        ).fetchone()
        if inserted is None:
            return Fate.CONFLICT if self._stored(connection, document.id) is None else Fate.EXISTS
        for table, terms in zip(self._table.lists, row.lists, strict=True):
            table.add(connection, inserted[0], terms)
        return Fate.DONE

    def replace(self, connection: sqlite3.Connection, document: D) -> Fate:
        """DONE, STALE or CONFLICT."""
        stored = self._stored(connection, document.id)
        if stored is None or stored.rev != document.rev:
            return Fate.STALE
        row = self._table.row(document, document.rev + 1)
        try:
            self._update(connection, stored, row)
        except sqlite3.IntegrityError:
            return Fate.CONFLICT
        if row.lists_text != stored.lists_text:
            before = self._table.stored_lists(stored.lists_text)
            for table, old, new in zip(self._table.lists, before, row.lists, strict=True):
                table.remove(connection, stored.n, old - new)
                table.add(connection, stored.n, new - old)
        return Fate.DONE

    def delete(self, connection: sqlite3.Connection, document: D) -> Fate:
        """DONE or STALE."""
        stored = self._stored(connection, document.id)
        if stored is None or stored.rev != document.rev:
            return Fate.STALE
        connection.execute(self._delete, (stored.n,))
        for table, terms in zip(self._table.lists, self._table.stored_lists(stored.lists_text), strict=True):
            table.remove(connection, stored.n, terms)
        return Fate.DONE

    def _stored(self, connection: sqlite3.Connection, document_id: str) -> _StoredRow | None:
        found = connection.execute(self._select, (document_id,)).fetchone()
        return None if found is None else _StoredRow(found[0], found[1], found[2], found[3:])

    def _update(self, connection: sqlite3.Connection, stored: _StoredRow, row: Row) -> None:
        """Set what changed: SQLite takes every column that is named out of its indexes and puts it back."""
        changes = [
            (column, after)
            for column, before, after in zip(self._table.columns, stored.scalars, row.scalars, strict=True)
            if before != after
        ]
        assignments = "".join(f", {column} = ?" for column, _ in changes)
        connection.execute(
            f"UPDATE {self._table.name} SET rev = ?, body = ?, lists = ?{assignments} WHERE n = ?",  # noqa: S608
            (row.rev, row.body, row.lists_text, *(after for _, after in changes), stored.n),
        )
