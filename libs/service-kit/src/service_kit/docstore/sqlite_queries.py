"""Reading documents of one collection."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic

from service_kit.docstore.cursor import Position, read_cursor, write_cursor
from service_kit.docstore.fields import ID
from service_kit.docstore.filters import Filter
from service_kit.docstore.port import D, Page, Sort
from service_kit.docstore.scalars import Stored
from service_kit.docstore.sqlite_ahead import LookAhead
from service_kit.docstore.sqlite_plans import source
from service_kit.docstore.sqlite_table import Table

_KEYS_PER_STATEMENT = 500

_Place = tuple[int, Stored, str]
"""Of a document that is found: its row, its value of the sort field, and its id."""


class DocumentQueries(Generic[D]):
    """The three reads of one collection; documents are decoded where the read runs, not on the event loop."""

    def __init__(self, table: Table[D]) -> None:
        self._table = table

    def get_many(
        self, connection: sqlite3.Connection, ids: Sequence[str], ahead: LookAhead | None = None
    ) -> dict[str, D]:
        """Those that exist, by id."""
        if ahead is not None:
            ahead(self._table.name, "id", sorted(ids))
        found: dict[str, D] = {}
        for start in range(0, len(ids), _KEYS_PER_STATEMENT):
            chunk = ids[start : start + _KEYS_PER_STATEMENT]
            statement = f"SELECT id, body FROM {self._table.name} WHERE id IN ({', '.join('?' * len(chunk))})"  # noqa: S608
            rows = connection.execute(statement, chunk).fetchall()
            found |= {document_id: self._table.document(body) for document_id, body in rows}
        return found

    def find(
        self,
        connection: sqlite3.Connection,
        where: Filter,
        sort: Sort,
        limit: int,
        cursor: str | None,
        ahead: LookAhead | None = None,
    ) -> Page[D]:
        """One page."""
        with _snapshot(connection):
            places = self._places(connection, where, sort, limit + 1, cursor)
            shown = places[:limit]
            if ahead is not None:
                ahead(self._table.name, "n", sorted(n for n, _, _ in shown))
            bodies = self._bodies(connection, [n for n, _, _ in shown])
        items = [self._table.document(bodies[n]) for n, _, _ in shown]
        if len(places) <= limit:
            return Page(items)
        _, value, document_id = shown[-1]
        return Page(items, write_cursor(sort, Position(value, document_id)))

    def _places(
        self, connection: sqlite3.Connection, where: Filter, sort: Sort, limit: int, cursor: str | None
    ) -> list[_Place]:
        """Which documents, in order: what is sorted would otherwise be carried through the sort with its body."""
        column = self._table.column(sort.field)
        sql, values = source(connection, self._table, where, sort)
        if cursor is not None:
            position = read_cursor(sort, cursor)
            sql = f"{sql} AND (d.{column}, d.id) {'<' if sort.descending else '>'} (?, ?)"
            values = [*values, position.value, position.id]
        direction = "DESC" if sort.descending else "ASC"
        order = f"d.id {direction}" if sort.field == ID else f"d.{column} {direction}, d.id {direction}"
        statement = f"SELECT d.n, d.{column}, d.id {sql} ORDER BY {order} LIMIT ?"
        return connection.execute(statement, [*values, limit]).fetchall()

    def _bodies(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for start in range(0, len(numbers), _KEYS_PER_STATEMENT):
            chunk = numbers[start : start + _KEYS_PER_STATEMENT]
            statement = f"SELECT n, body FROM {self._table.name} WHERE n IN ({', '.join('?' * len(chunk))})"  # noqa: S608
            found.update(connection.execute(statement, chunk).fetchall())
        return found

    def count(self, connection: sqlite3.Connection, where: Filter, at_most: int) -> int:
        """How many match, and no more than `at_most`."""
        with _snapshot(connection):
            sql, values = source(connection, self._table, where, None)
            (number,) = connection.execute(
                f"SELECT count(*) FROM (SELECT 1 {sql} LIMIT ?)",  # noqa: S608
                [*values, at_most],
            ).fetchone()
        return int(number)


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read within is of one moment."""
    try:
        connection.execute("BEGIN")
        yield
    finally:
        # Not a COMMIT that is executed: that could be interrupted, where reads are only let take so many steps.
        connection.rollback()
