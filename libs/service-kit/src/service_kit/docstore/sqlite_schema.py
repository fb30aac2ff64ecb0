"""Creating the tables of the declared collections in a file, and bringing an older file up to the declarations."""

import json
import sqlite3
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import ValidationError

from service_kit.docstore.port import StoreUnavailable
from service_kit.docstore.sqlite_table import Row, Table

_FORM = 1
"""Counts up when the same fields would be stored in another form."""

_BATCH = 500
_FORMS_TABLE = "_forms"
"""Begins with what no collection's name begins with."""


def prepare(connection: sqlite3.Connection, tables: Iterable[Table[Any]]) -> None:
    """Make the file fit the tables, in as few transactions as can be; may be interrupted and done again at any point.

    Raises:
        StoreUnavailable: stored documents do not fit what is declared now; the text says which.
        sqlite3.Error: the file cannot be used.
    """
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {_FORMS_TABLE} (collection TEXT PRIMARY KEY, form TEXT NOT NULL) WITHOUT ROWID"
    )
    connection.execute("CREATE TABLE IF NOT EXISTS _pings (only INTEGER PRIMARY KEY, count INTEGER NOT NULL)")
    for table in tables:
        _prepare_table(connection, table)
    connection.execute("COMMIT")


def count_ping(connection: sqlite3.Connection) -> None:
    """A write of no consequence: proof that the file takes writes."""
    connection.execute(
        "INSERT INTO _pings (only, count) VALUES (1, 1) ON CONFLICT (only) DO UPDATE SET count = count + 1"
    )


def _prepare_table(connection: sqlite3.Connection, table: Table[Any]) -> None:
    # What is long comes last: SQLite reads a row up to the column it is asked for.
    columns = "".join(f"{column}, " for column in table.columns)
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table.name} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
        f" rev INTEGER NOT NULL, {columns}lists TEXT NOT NULL, body TEXT NOT NULL)"
    )
    # Above all a unique index that is declared no more must not go on refusing documents.
    _drop_indexes(connection, table, keep={index.name for index in table.stored_indexes})
    if _stored_form(connection, table) != _form(table):
        _rebuild(connection, table)
    _create_indexes(connection, table)


def _form(table: Table[Any]) -> str:
    return json.dumps([_FORM, table.fields.scalars, table.fields.lists])


def _stored_form(connection: sqlite3.Connection, table: Table[Any]) -> str | None:
    found = connection.execute(f"SELECT form FROM {_FORMS_TABLE} WHERE collection = ?", (table.collection,)).fetchone()  # noqa: S608
    return None if found is None else str(found[0])


def _drop_indexes(connection: sqlite3.Connection, table: Table[Any], keep: AbstractSet[str] = frozenset()) -> None:
    for _, name, _, origin, _ in connection.execute(f"PRAGMA index_list({table.name})").fetchall():
        if origin == "c" and name not in keep:
            connection.execute(f'DROP INDEX "{name}"')


def _rebuild(connection: sqlite3.Connection, table: Table[Any]) -> None:
    """Write the columns and list rows of every stored document afresh.

    The form is noted last: until then, whoever starts next begins again.
    """
    connection.execute(f"DELETE FROM {_FORMS_TABLE} WHERE collection = ?", (table.collection,))  # noqa: S608
    _drop_indexes(connection, table)
    existing = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})").fetchall()}
    for column in table.columns:
        if column.strip('"') not in existing:
            connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {column}")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?", (f"{table.collection}__*",)
    ).fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for list_table in table.lists:
        list_table.create(connection)
    last = 0
    while (reached := _rewrite_after(connection, table, last)) is not None:
        last = reached
        # Batch by batch, or the journal of a large collection would outgrow the collection itself.
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"INSERT INTO {_FORMS_TABLE} VALUES (?, ?)", (table.collection, _form(table)))  # noqa: S608


def _rewrite_after(connection: sqlite3.Connection, table: Table[Any], last: int) -> int | None:
    """Rewrite the next documents after row `last`; the last one's row, or None when there was none."""
    found = connection.execute(
        f"SELECT n, id, body FROM {table.name} WHERE n > ? ORDER BY n LIMIT {_BATCH}",  # noqa: S608
        (last,),
    ).fetchall()
    if not found:
        return None
    for n, document_id, body in found:
        _rewrite(connection, table, n, _row_of(table, document_id, body))
    return int(found[-1][0])


def _row_of(table: Table[Any], document_id: str, body: str) -> Row:
    try:
        document = table.document(body)
        return table.row(document, document.rev)
    except (ValidationError, TypeError, ValueError) as error:
        # Not chained: the original's text quotes the document.
        raise StoreUnavailable(
            f"{table.collection}: document {document_id} does not fit its model any more ({type(error).__name__})"
        ) from None


def _rewrite(connection: sqlite3.Connection, table: Table[Any], n: int, row: Row) -> None:
    assignments = "".join(f", {column} = ?" for column in table.columns)
    connection.execute(
        f"UPDATE {table.name} SET body = ?, lists = ?{assignments} WHERE n = ?",  # noqa: S608
        (row.body, row.lists_text, *row.scalars, n),
    )
    for list_table, terms in zip(table.lists, row.lists, strict=True):
        list_table.add(connection, n, terms)


def _create_indexes(connection: sqlite3.Connection, table: Table[Any]) -> None:
    existing = {row[1] for row in connection.execute(f"PRAGMA index_list({table.name})").fetchall()}
    for index in table.stored_indexes:
        if index.name in existing:
            continue
        columns = ", ".join(table.columns_of(index))
        unique = "UNIQUE" if index.unique else ""
        try:
            connection.execute(f'CREATE {unique} INDEX "{index.name}" ON {table.name} ({columns})')
        except sqlite3.IntegrityError as error:
            raise StoreUnavailable(f"{index.name}: stored documents share what shall be unique now") from error
