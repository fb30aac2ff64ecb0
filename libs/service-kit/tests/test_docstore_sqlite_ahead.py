"""Reading ahead: what is looked at, and that nothing depends on it."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from service_kit.docstore import Eq, Match, Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.docstore.sqlite_ahead import ReadAhead
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_queries import DocumentQueries
from service_kit.docstore.sqlite_readers import ReaderPool
from service_kit.docstore.sqlite_schema import prepare
from service_kit.docstore.sqlite_table import Table
from service_kit.docstore.sqlite_writes import DocumentWrites
from service_kit.testing.docstore_harness import LETTERS, NOON, letter, running
from service_kit.testing.eventually import eventually

_TABLE = Table(IndexedFields(LETTERS))


def _filled(path: Path, count: int) -> SqliteFile:
    file = SqliteFile(path / "store.sqlite")
    with closing(file.open_writer()) as connection:
        prepare(connection, [_TABLE])
        writes = DocumentWrites(_TABLE)
        for number in range(count):
            writes.insert(connection, letter(f"l{number:03}", number=number, text="hello"))
    return file


class _Witness:
    """Connections whose statements are written down."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self.statements: list[str] = []

    def open(self) -> sqlite3.Connection:
        """One more."""
        connection = self._file.open_looker()
        connection.set_trace_callback(self.statements.append)
        return connection


async def test_what_is_looked_at(tmp_path: Path) -> None:
    """All rows of a page but the first share, which its reader reads at that time; nothing of a small page."""
    witness = _Witness(_filled(tmp_path, 60))
    pool = ReaderPool(witness.open, threads=2)
    pool.start()
    ahead = ReadAhead(pool)
    ahead(_TABLE.name, "n", list(range(1, 51)))
    ahead(_TABLE.name, "n", [51, 52])
    ahead(_TABLE.name, "id", [])
    await pool.stop()
    shares = [json.loads(one[one.index("'") + 1 : one.rindex("'")]) for one in witness.statements]

    assert sorted(number for share in shares for number in share) == list(range(8, 51))
    assert len(shares) == 7


async def test_an_index_is_looked_through(tmp_path: Path) -> None:
    """From its first row to its last, some at a time, so that nobody who stops waits for all of it."""
    witness = _Witness(_filled(tmp_path, 60))
    pool = ReaderPool(witness.open, threads=1)
    pool.start()
    assert _TABLE.by_row is not None
    ReadAhead(pool, stretch=25).warm(_TABLE.name, _TABLE.by_row.name)
    await eventually(lambda: len(witness.statements) == 4)
    await pool.stop()

    assert ["n > 0 " in witness.statements[0], "n > 25 " in witness.statements[1]] == [True, True]
    assert ["n > 50 " in witness.statements[2], "n > 60 " in witness.statements[3]] == [True, True]


async def test_a_page_is_of_one_moment(tmp_path: Path) -> None:
    """What is committed while a page is read does not show in a part of it."""
    file = _filled(tmp_path, 20)
    queries = DocumentQueries(_TABLE)
    stored = letter("l007", number=7, text="other", written_at=NOON, rev=1)

    def change(_table: str, _column: str, _keys: Sequence[str | int]) -> None:
        with closing(file.open_writer()) as other:
            assert DocumentWrites(_TABLE).replace(other, stored) == "done"
            assert DocumentWrites(_TABLE).delete(other, letter("l008", rev=1)) == "done"

    with closing(file.open_reader()) as connection:
        before = queries.find(connection, Match("hello"), Sort("id"), 50, None, ahead=change)
        after = queries.find(connection, Match("hello"), Sort("id"), 50, None)

    assert [one.number for one in before.items] == list(range(20))
    assert {one.text for one in before.items} == {"hello"}
    assert [one.number for one in after.items] == [*range(7), *range(9, 20)]


async def test_who_looks_ahead_may_fail(tmp_path: Path) -> None:
    """A page is read, whatever becomes of those who look at its rows before."""
    file = _filled(tmp_path, 60)
    pool = ReaderPool(_broken, threads=2)
    pool.start()
    with closing(file.open_reader()) as connection:
        page = DocumentQueries(_TABLE).find(connection, Match("hello"), Sort("id"), 50, None, ahead=ReadAhead(pool))
    await pool.stop()

    assert len(page.items) == 50
    assert page.next_cursor is not None


def _broken() -> sqlite3.Connection:
    raise sqlite3.OperationalError("disk I/O error")


async def test_a_store_that_stops_finishes_its_searches(tmp_path: Path) -> None:
    """Searches and long reads that were asked for before the stop are answered whole."""
    store = SqliteDocStore(tmp_path / "store.sqlite")
    letters = store.collection(LETTERS)
    ids = [f"l{number:03}" for number in range(60)]
    async with running(store):
        await letters.insert_many([letter(one, text="hello") for one in ids])
        searches = [asyncio.create_task(letters.find(Match("hello"), limit=60)) for _ in range(10)]
        others = [asyncio.create_task(letters.get_many(ids)) for _ in range(10)]
        await asyncio.sleep(0)  # one turn of the loop: all have asked

    assert [[one.id for one in (await search).items] for search in searches] == [ids] * 10
    assert [sorted(await other) for other in others] == [ids] * 10
    assert await _count(tmp_path) == 60


async def _count(path: Path) -> int:
    store = SqliteDocStore(path / "store.sqlite")
    letters = store.collection(LETTERS)
    async with running(store):
        return await letters.count(Eq("account_id", "acme"))
