"""Stores of tests that begin with a copy of the tables."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service_kit.docstore import CollectionSpec, Document, Eq, Fate, Index
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.testing.templated_store import StoreTemplates, TemplatedStore


class Note(Document):
    """A document with an indexed field."""

    author: str


NOTES = CollectionSpec("notes", Note, indexes=(Index(("author",)),))
DRAFTS = CollectionSpec("drafts", Note, indexes=(Index(("author",), unique=True),))


@pytest.fixture
def templates(tmp_path: Path) -> StoreTemplates:
    """None yet."""
    folder = tmp_path / "templates"
    folder.mkdir()
    return StoreTemplates(folder)


def tables(path: Path) -> list[tuple[str, str]]:
    """Everything that the file declares."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()


async def lived(store: SqliteDocStore, spec: CollectionSpec[Note]) -> int:
    """How many notes of Ann a life of this store found, before it left one more."""
    notes = store.collection(spec)
    await store.start()
    found = await notes.count(Eq("author", "ann"))
    assert await notes.insert_many([Note(id=f"not_{found}", author="ann")]) == [Fate.DONE]
    await store.stop()
    return found


async def test_a_copy_holds_the_tables_and_nothing_of_the_store_before(tmp_path: Path, templates: StoreTemplates):
    """Every store begins empty, with what a store without templates would have made; a second life finds the first."""
    plain, first, second = (tmp_path / f"{name}.sqlite" for name in ("plain", "first", "second"))
    found = [await lived(store, NOTES) for store in (SqliteDocStore(plain), TemplatedStore(first, templates))]
    found += [await lived(TemplatedStore(second, templates), NOTES) for _ in range(2)]

    assert found == [0, 0, 0, 1]
    assert tables(second) == tables(first) == tables(plain)


async def test_other_collections_have_a_template_of_their_own(tmp_path: Path, templates: StoreTemplates):
    """A store finds the tables that it declared, whatever others did."""
    paths = [tmp_path / "notes.sqlite", tmp_path / "drafts.sqlite"]
    for path, spec in zip(paths, (NOTES, DRAFTS), strict=True):
        await lived(TemplatedStore(path, templates), spec)
    names = [{name for name, _ in tables(path)} for path in paths]

    assert ["notes" in " ".join(found) for found in names] == [True, False]
    assert ["drafts" in " ".join(found) for found in names] == [False, True]
