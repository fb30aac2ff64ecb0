"""Filling the SQLite file of tickets with documents as the service would have stored them, as fast as SQLite can.

Rows are those of the store itself (`Table.row`); only their order is another: indexes and search tokens are built when
all documents are there, sorted, because a million inserts at random places of a large index take hours.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.tickets_corpus import MESSAGES_PER_TICKET, Corpus
from service_kit.docstore import CollectionSpec, Document
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_table import Table
from tickets.contacts.contact_model import CONTACTS
from tickets.ticket.model import MESSAGES, TICKETS

_BATCH = 2_000
_TELL_EVERY = 20_000

D = TypeVar("D", bound=Document)
Tell = Callable[[str], None]


class Filling:
    """Adds documents to a provisioned file; `finish` makes it complete, but for the indexes that `provision` makes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables: dict[str, Table[Any]] = {}
        self._next: dict[str, int] = {}

    def begin(self, spec: CollectionSpec[Any]) -> None:
        """Make a collection ready: no indexes, and a place to gather the rows of its lists."""
        table = self._tables[spec.name] = Table(IndexedFields(spec))
        self._next[spec.name] = 1
        for index in table.indexes:
            self._connection.execute(f'DROP INDEX IF EXISTS "{index.name}"')
        for number in range(len(table.lists)):
            columns = "(term TEXT NOT NULL, n INTEGER NOT NULL)"
            self._connection.execute(f"CREATE TABLE filling.{spec.name}_{number} {columns}")

    def add(self, spec: CollectionSpec[D], documents: Iterable[D]) -> None:
        """Store documents behind those stored before."""
        table, first = self._tables[spec.name], self._next[spec.name]
        rows = [(n, table.row(document, 1)) for n, document in enumerate(documents, first)]
        self._next[spec.name] = first + len(rows)
        columns = ("n", "id", "rev", "body", "lists", *table.columns)
        self._connection.executemany(
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
            [(n, row.id, row.rev, row.body, row.lists_text, *row.scalars) for n, row in rows],
        )
        for number in range(len(table.lists)):
            self._connection.executemany(
                f"INSERT INTO filling.{spec.name}_{number} VALUES (?, ?)",  # noqa: S608 - the specification's name
                [(term, n) for n, row in rows for term in row.lists[number]],
            )

    def finish(self, tell: Tell) -> None:
        """Put the rows of all lists in their place, in order."""
        for name, table in self._tables.items():
            for number, listed in enumerate(table.lists):
                tell(f"sorting {listed.name}")
                self._connection.execute(
                    f"INSERT INTO main.{listed.name} SELECT term, n FROM filling.{name}_{number} ORDER BY term, n"  # noqa: S608
                )


def fill(path: Path, corpus: Corpus, tell: Tell) -> None:
    """Store the corpus in the file of the service, which nobody has open."""
    scratch = path.with_suffix(".filling")
    with closing(SqliteFile(path).open_writer()) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # whoever interrupts this begins anew
        connection.execute("PRAGMA journal_mode = OFF").fetchall()
        connection.execute("PRAGMA temp_store = FILE")  # the words of a million tickets are sorted
        connection.execute(f"PRAGMA cache_size = -{512 * 1024}")
        connection.execute("ATTACH DATABASE ? AS filling", (str(scratch),))
        connection.execute("PRAGMA filling.journal_mode = OFF").fetchall()
        connection.execute("BEGIN")
        filling = Filling(connection)
        for spec in (CONTACTS, TICKETS, MESSAGES):
            filling.begin(spec)
        for numbers in _batches(range(corpus.contacts)):
            filling.add(CONTACTS, map(corpus.contact, numbers))
        for numbers in _batches(range(1, corpus.count + 1)):
            conversations = [corpus.conversation(number) for number in numbers]
            filling.add(TICKETS, [one.ticket for one in conversations])
            filling.add(MESSAGES, [message for one in conversations for message in one.messages])
            if numbers[-1] % _TELL_EVERY == 0:
                tell(f"{numbers[-1]:,} of {corpus.count:,} tickets, {numbers[-1] * MESSAGES_PER_TICKET:,} messages")
                connection.execute("COMMIT")
                connection.execute("BEGIN")
        filling.finish(tell)
        connection.execute("COMMIT")
        connection.execute("DETACH DATABASE filling")
    scratch.unlink()


def _batches(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]
