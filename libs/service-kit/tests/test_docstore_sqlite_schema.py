"""A file of an earlier release is brought up to what is declared now."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service_kit.docstore import CollectionSpec, Document, Eq, Fate, Has, Index, Match, StoreUnavailable
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_schema import prepare
from service_kit.docstore.sqlite_table import Table
from service_kit.testing.docstore_harness import LETTERS, PLAIN_LETTERS, Letter, found, letter, running


class Strict(Document):
    """What letters would be if their text were a number."""

    text: int


async def _fates(path: Path, spec: CollectionSpec[Letter], letters: Sequence[Letter]) -> Sequence[Fate]:
    store = SqliteDocStore(path)
    collection = store.collection(spec)
    async with running(store):
        return await collection.insert_many(letters)


async def test_lists_and_tokens_are_added(tmp_path: Path) -> None:
    """Lists and tokens that are declared later find what was stored before, in files of any size."""
    path = tmp_path / "store.sqlite"
    await _fates(path, PLAIN_LETTERS, [letter(f"l{at:04}", labels=[f"x{at % 3}"], text=f"w{at}") for at in range(1200)])
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)
    async with running(store):
        labelled = await letters.count(Has("labels", ["x1"]))
        worded = await found(letters, Match("w777"))

    assert labelled == 400
    assert worded == ["l0777"]


async def test_dropped_and_declared_again(tmp_path: Path) -> None:
    """What was written while a list was not declared is found once it is again, and what was removed is not."""
    path = tmp_path / "store.sqlite"
    await _fates(path, LETTERS, [letter("a", labels=["x"]), letter("b", labels=["x"])])
    store = SqliteDocStore(path)
    letters = store.collection(PLAIN_LETTERS)
    async with running(store):
        await letters.delete_many([letter("a").model_copy(update={"rev": 1})])
        await letters.insert_many([letter("c", labels=["x"])])
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)
    async with running(store):
        ids = await found(letters, Has("labels", ["x"]))

    assert ids == ["b", "c"]


async def test_a_unique_index_is_dropped(tmp_path: Path) -> None:
    """A unique index that is not declared any more refuses nothing."""
    path = tmp_path / "store.sqlite"
    await _fates(path, LETTERS, [letter("a", number=1)])

    assert await _fates(path, replace(LETTERS, indexes=LETTERS.indexes[1:]), [letter("b", number=1)]) == [Fate.DONE]


async def test_a_unique_index_comes_too_late(tmp_path: Path) -> None:
    """Where stored documents share what shall be unique now the store does not start, and says which index."""
    path = tmp_path / "store.sqlite"
    await _fates(path, PLAIN_LETTERS, [letter("a", number=1), letter("b", number=1)])
    store = SqliteDocStore(path)
    store.collection(LETTERS)

    with pytest.raises(StoreUnavailable, match="letters unique account_id, number"):
        await store.start()
    assert await _fates(path, PLAIN_LETTERS, [letter("c", number=1)]) == [Fate.DONE]


async def test_the_index_by_row_is_added(tmp_path: Path) -> None:
    """A file from before searches had an index of their own gets it at the start, and no row is written again."""
    path = tmp_path / "store.sqlite"
    await _fates(path, LETTERS, [letter(f"l{at:03}", text="hello") for at in range(200)])
    by_row = Table(IndexedFields(LETTERS)).by_row
    assert by_row is not None
    with closing(SqliteFile(path).open_writer()) as connection:
        connection.execute(f'DROP INDEX "{by_row.name}"')
        changes = connection.total_changes
        prepare(connection, [Table[Any](IndexedFields(LETTERS))])
        rewritten = connection.total_changes - changes
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)
    async with running(store):
        page = await letters.find(Match("hello"), limit=200)

    assert rewritten == 0
    assert [one.id for one in page.items] == [f"l{at:03}" for at in range(200)]


def test_collections_without_words_have_no_index_by_row() -> None:
    """Only searches look at many rows to show few: others pay nothing for it."""
    assert Table(IndexedFields(PLAIN_LETTERS)).by_row is None
    assert Table(IndexedFields(replace(LETTERS, tokens=None))).by_row is None


async def test_documents_that_do_not_fit(tmp_path: Path) -> None:
    """Where a stored document does not fit its model any more the error names it, and does not quote it."""
    path = tmp_path / "store.sqlite"
    await _fates(path, PLAIN_LETTERS, [letter("a", text="a secret")])
    store = SqliteDocStore(path)
    store.collection(CollectionSpec("letters", Strict, indexes=(Index(("text",)),)))

    with pytest.raises(StoreUnavailable, match="document a does not fit") as raised:
        await store.start()
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_an_interrupted_rebuild(tmp_path: Path) -> None:
    """A rebuild that is broken off anywhere is begun again by the next start, and ends complete."""
    path = tmp_path / "store.sqlite"
    await _fates(path, PLAIN_LETTERS, [letter(f"l{at:04}", labels=["x"], due_at=None) for at in range(1200)])
    table: Table[Any] = Table(IndexedFields(LETTERS))
    interruptions = 0
    for patience in (1, 30, 100):
        with closing(SqliteFile(path).open_writer()) as connection:
            connection.set_progress_handler(_Patience(patience).is_over, 1000)
            with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                prepare(connection, [table])
            interruptions += 1
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)
    async with running(store):
        labelled = await letters.count(Has("labels", ["x"]), at_most=5000)
        without_due = await letters.count(Eq("due_at", None), at_most=5000)

    assert interruptions == 3
    assert (labelled, without_due) == (1200, 1200)


def test_a_start_that_changes_nothing(tmp_path: Path) -> None:
    """A file that fits already is not written to: a start costs no commit."""
    table: Table[Any] = Table(IndexedFields(LETTERS))
    statements: list[str] = []
    for _ in range(2):
        with closing(SqliteFile(tmp_path / "store.sqlite").open_writer()) as connection:
            statements.clear()
            connection.set_trace_callback(statements.append)
            prepare(connection, [table])
            changes = connection.total_changes

    assert changes == 0
    assert not [
        statement for statement in statements if statement.startswith(("ALTER", "DROP", "INSERT", "CREATE INDEX"))
    ]


class _Patience:
    """Interrupts a connection after some thousands of steps."""

    def __init__(self, thousands: int) -> None:
        self._left = thousands

    def is_over(self) -> bool:
        """Called after every thousand steps."""
        self._left -= 1
        return self._left <= 0
