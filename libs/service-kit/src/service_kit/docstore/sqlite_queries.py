"""Reading documents of one collection."""

import sqlite3
from collections.abc import Sequence
from typing import Generic

from service_kit.docstore.cursor import Position, read_cursor, write_cursor
from service_kit.docstore.fields import ID
from service_kit.docstore.filters import Filter
from service_kit.docstore.port import D, Page, Sort
from service_kit.docstore.sqlite_plans import source
from service_kit.docstore.sqlite_table import Table

_IDS_PER_STATEMENT = 500


class DocumentQueries(Generic[D]):
    """The three reads of one collection; documents are decoded where the read runs, not on the event loop."""

    def __init__(self, table: Table[D]) -> None:
        self._table = table

    def get_many(self, connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, D]:
        """Those that exist, by id."""
        found: dict[str, D] = {}
        for start in range(0, len(ids), _IDS_PER_STATEMENT):
            chunk = ids[start : start + _IDS_PER_STATEMENT]
            statement = f"SELECT id, body FROM {self._table.name} WHERE id IN ({', '.join('?' * len(chunk))})"  # noqa: S608
            rows = connection.execute(statement, chunk).fetchall()
            found |= {document_id: self._table.document(body) for document_id, body in rows}
        return found

    def find(
        self, connection: sqlite3.Connection, where: Filter, sort: Sort, limit: int, cursor: str | None
    ) -> Page[D]:
        """One page."""
        column = self._table.column(sort.field)
        sql, values = source(connection, self._table, where, sort)
        if cursor is not None:
            position = read_cursor(sort, cursor)
            sql = f"{sql} AND (d.{column}, d.id) {'<' if sort.descending else '>'} (?, ?)"
            values = [*values, position.value, position.id]
        direction = "DESC" if sort.descending else "ASC"
        order = f"d.id {direction}" if sort.field == ID else f"d.{column} {direction}, d.id {direction}"
        # Which documents first: what is sorted would otherwise be carried through the sort with its body.
        rows = connection.execute(
            f"SELECT d.body, d.{column}, d.id FROM (SELECT d.n {sql} ORDER BY {order} LIMIT ?) p"  # noqa: S608
            f" CROSS JOIN {self._table.name} d ON d.n = p.n ORDER BY {order}",
            [*values, limit + 1],
        ).fetchall()
        items = [self._table.document(body) for body, _, _ in rows[:limit]]
        if len(rows) <= limit:
            return Page(items)
        _, value, document_id = rows[limit - 1]
        return Page(items, write_cursor(sort, Position(value, document_id)))

    def count(self, connection: sqlite3.Connection, where: Filter, at_most: int) -> int:
        """How many match, and no more than `at_most`."""
        sql, values = source(connection, self._table, where, None)
        (number,) = connection.execute(
            f"SELECT count(*) FROM (SELECT 1 {sql} LIMIT ?)",  # noqa: S608
            [*values, at_most],
        ).fetchone()
        return int(number)
