"""Filling the SQLite file of tickets with documents as the service would have stored them, as fast as SQLite can.

Rows are those of the store itself (`Table.row`); only their order is another: indexes and search tokens are built when
all documents are there, sorted, because a million inserts at random places of a large index take hours. Memory is
bounded: rows are made by the thousand, and what is sorted is sorted in a file, the words of one initial at a time.
Words that come again in all conversations of a slot are sorted once, and multiplied by SQLite.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.progress import Progress, Tell
from benchmarks.tickets_corpus import Corpus
from benchmarks.tickets_stencil import Slot
from service_kit.docstore import CollectionSpec
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_schema import prepare
from service_kit.docstore.sqlite_table import Lists, Row, Table
from tickets.contacts.contact_model import CONTACTS
from tickets.ticket.model import MESSAGES, TICKETS

FILLED: tuple[CollectionSpec[Any], ...] = (CONTACTS, MESSAGES, TICKETS)
"""The collections that are filled, in the order in which their indexes are built."""

_BATCH = 2_000
_CACHE_KIB = 512 * 1024

Entered = tuple[Row, Lists]
"""A row, and its entries in lists."""

_Heap = tuple[str, int, str]
"""Where the entries of a list wait to be sorted: of which collection, its how many-th list, their initial."""


class Filling:
    """Adds rows to a file that has the collections; `finish` makes it complete."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tables: dict[str, Table[Any]] = {spec.name: Table(IndexedFields(spec)) for spec in FILLED}
        self._next = dict.fromkeys(self.tables, 1)
        self._heaps: Counter[_Heap] = Counter()

    def begin(self) -> None:
        """Make the collections ready: there, and without indexes."""
        prepare(self._connection, self.tables.values())
        for table in self.tables.values():
            for index in table.stored_indexes:
                self._connection.execute(f'DROP INDEX IF EXISTS "{index.name}"')
        self._connection.execute(
            "CREATE TABLE filling.words (term TEXT, slot INTEGER, PRIMARY KEY (term, slot)) WITHOUT ROWID"
        )

    def add(self, name: str, given: Iterable[Entered]) -> None:
        """Store rows behind those stored before."""
        table, first = self.tables[name], self._next[name]
        entered = list(enumerate(given, first))
        self._next[name] = first + len(entered)
        columns = ("n", "id", "rev", "body", "lists", *table.columns)
        self._connection.executemany(
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
            [(n, row.id, row.rev, row.body, row.lists_text, *row.scalars) for n, (row, _) in entered],
        )
        for number in range(len(table.lists)):
            self._heap_up(name, number, ((term, n) for n, (_, lists) in entered for term in lists[number]))

    def remember(self, slot: int, words: Iterable[str]) -> None:
        """All tickets of a slot have these words."""
        self._connection.executemany(
            "INSERT INTO filling.words VALUES (?, ?)", [(word, slot) for word in sorted(words)]
        )

    def multiply(self, corpus: Corpus, tell: Tell) -> None:
        """Enter the words of slots for each of their tickets; the nth ticket is the one numbered n."""
        self._connection.execute("CREATE TABLE filling.terms (term TEXT PRIMARY KEY, slots INTEGER) WITHOUT ROWID")
        self._connection.execute("INSERT INTO filling.terms SELECT term, count(*) FROM filling.words GROUP BY term")
        self._connection.execute("CREATE TABLE filling.rounds (before INTEGER PRIMARY KEY)")
        rounds = [(before,) for before in range(0, corpus.count, corpus.repeats_after)]
        self._connection.executemany("INSERT INTO filling.rounds VALUES (?)", rounds)
        initials = self._connection.execute(
            "SELECT substr(term, 1, 1) initial, min(term), max(term), sum(slots) FROM filling.terms"
            " GROUP BY initial ORDER BY initial"
        ).fetchall()
        listed = self.tables[TICKETS.name].list_table(TICKETS.tokens or "").name
        progress, done = Progress("words of slots", sum(slots for *_, slots in initials), tell), 0
        for _, first, last, slots in initials:
            self._connection.execute(
                f"INSERT INTO main.{listed} SELECT t.term, r.before + w.slot FROM filling.terms t"  # noqa: S608
                " CROSS JOIN filling.rounds r CROSS JOIN filling.words w ON w.term = t.term"
                " WHERE t.term BETWEEN ? AND ? AND r.before + w.slot <= ?",
                (first, last, corpus.count),
            )
            done += slots
            progress.reached(done)

    def finish(self, tell: Tell) -> None:
        """Put the entries of all lists in their place, in order, and build the indexes."""
        progress, done = Progress("sorting entries of lists", self._heaps.total(), tell), 0
        for heap in sorted(self._heaps):
            name, number, _ = heap
            listed = self.tables[name].lists[number].name
            self._connection.execute(
                f"INSERT INTO main.{listed} SELECT term, n FROM {_table_of(heap)} ORDER BY term, n"  # noqa: S608
            )
            self._connection.execute(f"DROP TABLE {_table_of(heap)}")
            done += self._heaps[heap]
            progress.reached(done)
        self._connection.execute("COMMIT")
        entries = {name: len(table.stored_indexes) * self._next[name] for name, table in self.tables.items()}
        progress, done = Progress("building indexes, entries", sum(entries.values()), tell), 0
        for name, table in self.tables.items():
            prepare(self._connection, [table])
            done += entries[name]
            progress.reached(done)

    def _heap_up(self, name: str, number: int, entries: Iterable[tuple[str, int]]) -> None:
        """SQLite orders by code points, as Python does: heaps of one initial each are sorted one after the other."""
        by_initial: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for term, n in entries:
            by_initial[term[:1]].append((term, n))
        for initial, heaped in by_initial.items():
            heap = (name, number, initial)
            if heap not in self._heaps:
                self._connection.execute(f"CREATE TABLE {_table_of(heap)} (term TEXT NOT NULL, n INTEGER NOT NULL)")
            self._heaps[heap] += len(heaped)
            self._connection.executemany(f"INSERT INTO {_table_of(heap)} VALUES (?, ?)", heaped)  # noqa: S608


def fill(path: Path, corpus: Corpus, tell: Tell) -> None:
    """Store the corpus in the file of the service, which nobody has open; whoever interrupts this begins anew."""
    scratch = path.with_suffix(".filling")
    with closing(SqliteFile(path).open_writer()) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = OFF").fetchall()
        connection.execute("PRAGMA temp_store = FILE")  # the words of a million tickets are sorted
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("ATTACH DATABASE ? AS filling", (str(scratch),))
        connection.execute("PRAGMA filling.journal_mode = OFF").fetchall()
        connection.execute("PRAGMA filling.synchronous = OFF")
        filling = Filling(connection)
        filling.begin()
        connection.execute("BEGIN")
        _add_contacts(filling, corpus)
        _add_conversations(filling, corpus, tell)
        filling.multiply(corpus, tell)
        filling.finish(tell)
        connection.execute("DETACH DATABASE filling")
    scratch.unlink()


def _add_contacts(filling: Filling, corpus: Corpus) -> None:
    table = filling.tables[CONTACTS.name]
    for numbers in _batches(range(corpus.contacts)):
        rows = [table.row(corpus.contact(number), 1) for number in numbers]
        filling.add(CONTACTS.name, [(row, row.lists) for row in rows])


def _add_conversations(filling: Filling, corpus: Corpus, tell: Tell) -> None:
    slots: dict[int, Slot] = {}
    progress = Progress("tickets", corpus.count, tell)
    for numbers in _batches(range(1, corpus.count + 1)):
        for number in (number for number in numbers if number <= corpus.repeats_after):
            first, said = corpus.identity(number), corpus.conversation(number)
            slots[number] = Slot(first, said, filling.tables[TICKETS.name], filling.tables[MESSAGES.name])
            filling.remember(number, slots[number].words)
        ones = [(slots[corpus.slot(number)], corpus.identity(number)) for number in numbers]
        filling.add(TICKETS.name, [slot.ticket(one) for slot, one in ones])
        filling.add(MESSAGES.name, [message for slot, one in ones for message in slot.messages(one)])
        progress.reached(numbers[-1])


def _batches(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def _table_of(heap: _Heap) -> str:
    name, number, initial = heap
    return f'filling."{name}_{number}_{ord(initial) if initial else "none"}"'
