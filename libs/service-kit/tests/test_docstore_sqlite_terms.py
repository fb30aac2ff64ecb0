"""The stored tokens that begin with a word."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_filters import Word
from service_kit.docstore.sqlite_schema import prepare
from service_kit.docstore.sqlite_table import Table
from service_kit.docstore.sqlite_terms import FEW_TERMS, with_terms
from service_kit.docstore.sqlite_writes import DocumentWrites
from service_kit.testing.docstore_harness import LETTERS, letter

_TABLE = Table(IndexedFields(LETTERS))
_TEXTS = ("order", "orders ordering", "order or", "\U0010ffff", *(f"number{at}" for at in range(FEW_TERMS)))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A file of letters."""
    with closing(SqliteFile(tmp_path / "store.sqlite").open_writer()) as connection:
        prepare(connection, [_TABLE])
        writes = DocumentWrites(_TABLE)
        for at, text in enumerate(_TEXTS):
            writes.insert(connection, letter(f"l{at}", words=text.split()))
        yield connection


@pytest.mark.parametrize(
    ("word", "terms"),
    [
        ("order", ("order", "ordering", "orders")),
        ("orders", ("orders",)),
        ("or", ("or", "order", "ordering", "orders")),
        ("p", ()),
        ("zzz", ()),
        ("number1", ("number1", *(f"number1{digit}" for digit in range(10)))),
        ("number", tuple(sorted(f"number{at}" for at in range(FEW_TERMS)))),
        ("", None),
    ],
)
def test_terms(connection: sqlite3.Connection, word: str, terms: tuple[str, ...] | None) -> None:
    """All that begin with the word, each once and in order; more than a few are not told."""
    assert with_terms(connection, _TABLE, Word(word)) == Word(word, terms)
