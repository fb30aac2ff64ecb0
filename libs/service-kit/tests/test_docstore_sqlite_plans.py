"""What a query costs, counted in SQLite's own steps: those who ask for little must not pay for all."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from service_kit.docstore import All, AnyOf, Cmp, Eq, Filter, Has, In, Match, Ne, Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_plans import source
from service_kit.docstore.sqlite_queries import DocumentQueries
from service_kit.docstore.sqlite_schema import prepare
from service_kit.docstore.sqlite_table import Table
from service_kit.docstore.sqlite_writes import DocumentWrites
from service_kit.testing.docstore_harness import LETTERS, NOON, Letter, Person, State, letter

_LETTERS = 10_000
_STEPS_PER_TICK = 100
ACME = Eq("account_id", "acme")
NEWEST = Sort("written_at", descending=True)


def _numbered(number: int) -> Letter:
    return letter(
        f"l{number:05}",
        number=number,
        state=State.SENT if number % 2 else State.WRITTEN,
        written_at=NOON + timedelta(seconds=number),
        due_at=NOON + timedelta(days=1) if number == 4242 else None,
        reader=Person(id=f"p{number % 5000}", town="Oslo" if number % 2 else "Rome"),
        labels=["common", f"l{number % 2000}"],
        text=f"hello w{number}",
    )


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Ten thousand letters of one account."""
    table: Table[Any] = Table(IndexedFields(LETTERS))
    writes = DocumentWrites(table)
    with closing(SqliteFile(tmp_path_factory.mktemp("plans") / "store.sqlite").open_writer()) as connection:
        prepare(connection, [table])
        connection.execute("BEGIN")
        for number in range(_LETTERS):
            writes.insert(connection, _numbered(number))
        connection.execute("COMMIT")
        yield connection


def _steps(connection: sqlite3.Connection, where: Filter, sort: Sort) -> tuple[int, int]:
    """How many were found on the first page, and what that took."""
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    queries = DocumentQueries(Table(IndexedFields(LETTERS)))
    connection.set_progress_handler(tick, _STEPS_PER_TICK)
    page = queries.find(connection, where, sort, 50, None)
    connection.set_progress_handler(None, 0)
    return len(page.items), ticks * _STEPS_PER_TICK


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (All(ACME, Has("labels", ["l7"])), 5),
        (All(ACME, Has("labels", ["none", "l7"])), 5),
        (All(ACME, Has("labels", ["common"]), Has("labels", ["l7"])), 5),
        (All(ACME, Eq("state", "sent"), Match("w777")), 6),
        (All(ACME, Match("w777 hello")), 11),
        (All(ACME, Eq("number", 7)), 1),
        (All(ACME, In("number", [5, 6, 7])), 3),
        (All(ACME, Eq("reader.id", "p7")), 2),
        (All(ACME, Cmp("due_at", "<=", NOON + timedelta(days=2))), 1),
        (All(ACME, Cmp("number", ">=", _LETTERS - 5), Ne("urgent", True)), 5),
        (AnyOf(All(ACME, Eq("number", 7)), Has("labels", ["l8"])), 6),
        (All(ACME, AnyOf(Eq("number", 7), Match("w888"), Eq("reader.id", "p9"))), 14),
        (In("id", ["l00001", "l00002"]), 2),
        (All(ACME, In("reader.town", [])), 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("sort", [NEWEST, Sort("id"), Sort("weight")], ids=str)
def test_rare(connection: sqlite3.Connection, where: Filter, expected: int, sort: Sort) -> None:
    """What few documents have is found through them, whatever the sort: a walk would take 70,000 steps and more."""
    found, steps = _steps(connection, where, sort)

    assert found == expected
    assert steps <= 5_000


@pytest.mark.parametrize(
    ("where", "sort"),
    [
        (All(ACME, Eq("state", "sent")), NEWEST),
        (All(ACME, Eq("state", "sent"), Cmp("written_at", "<", NOON + timedelta(seconds=5000))), NEWEST),
        (All(ACME, Eq("state", "sent"), Has("labels", ["common"])), NEWEST),
        (All(ACME, Eq("state", "sent"), Has("labels", ["common"]), Ne("reader.town", "Rome")), NEWEST),
        (All(ACME, Eq("state", "sent"), Match("hello")), NEWEST),
        (ACME, Sort("weight")),
        (Cmp("id", ">", "l00100"), Sort("id")),
    ],
    ids=str,
)
def test_frequent(connection: sqlite3.Connection, where: Filter, sort: Sort) -> None:
    """A page of what many documents have is read off in the order of the sort, not by looking at all of them."""
    found, steps = _steps(connection, where, sort)

    assert found == 50
    assert steps <= 60_000  # a third of them in counting, which are the cheap ones


def test_two_frequent_words(connection: sqlite3.Connection) -> None:
    """Words that are together in many documents are walked to, after a look at how many have each."""
    found, steps = _steps(connection, All(ACME, Eq("state", "sent"), Match("hel w")), NEWEST)

    assert found == 50
    assert steps <= 120_000


def test_much_that_meets_in_few(connection: sqlite3.Connection) -> None:
    """What 2,250 documents have and what 2,250 others have, five of them both: those five are found by both at once."""
    one, other = [f"l{number}" for number in range(450)], [f"l{number}" for number in range(449, 899)]
    found, steps = _steps(connection, All(ACME, Has("labels", one), Has("labels", other)), NEWEST)

    assert found == 5
    assert steps <= 180_000


_SENT = All(ACME, Eq("state", "sent"))
_SEVENTHS = [f"l{number}" for number in range(2000) if number % 7 == 0]


@pytest.mark.parametrize(
    ("where", "is_wanted", "plan"),
    [
        (All(_SENT, Match("w1")), lambda n: str(n)[0] == "1" and n % 2, "LIST SUBQUERY"),
        (All(_SENT, Match("w1 hello")), lambda n: str(n)[0] == "1" and n % 2, "LIST SUBQUERY"),
        (All(_SENT, Match("hello w")), lambda n: n % 2, "SEARCH d"),
        (All(ACME, Match("w1 hello")), lambda n: str(n)[0] == "1", "CO-ROUTINE f"),
        (
            All(ACME, Match("w1"), Has("labels", _SEVENTHS)),
            lambda n: str(n)[0] == "1" and n % 2000 % 7 == 0,
            "CO-ROUTINE f",
        ),
    ],
    ids=["walked", "walked, one looked up", "walked, none looked up", "no order to walk in", "two looked up"],
)
def test_searches_are_exact(
    connection: sqlite3.Connection, where: Filter, is_wanted: Callable[[int], bool], plan: str
) -> None:
    """However it is found, page after page is what was asked for, in order; and SQLite does it as it was weighed."""
    queries = DocumentQueries(Table(IndexedFields(LETTERS)))
    expected = [f"l{number:05}" for number in reversed(range(_LETTERS)) if is_wanted(number)]
    found, cursor = list[str](), None
    for _ in range(4):
        page = queries.find(connection, where, NEWEST, 50, cursor)
        found += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == expected[:200]
    assert plan in _explained(connection, where)


def _explained(connection: sqlite3.Connection, where: Filter) -> str:
    """SQLite's own plan."""
    sql, values = source(connection, Table(IndexedFields(LETTERS)), where, NEWEST)
    statement = f"EXPLAIN QUERY PLAN SELECT d.n {sql} ORDER BY d.f_written_at DESC, d.id DESC LIMIT 51"
    return "\n".join(row[-1] for row in connection.execute(statement, values))


def test_a_walk_with_entries_is_in_order(connection: sqlite3.Connection) -> None:
    """The entries are read once, the index gives the order, and no row is read: nothing is sorted."""
    plan = _explained(connection, All(_SENT, Match("w1 hello")))

    assert plan.startswith("SEARCH d USING COVERING INDEX letters by account_id, state, written_at, id")
    assert "LIST SUBQUERY" in plan
    assert "ORDER BY" not in plan


@pytest.mark.parametrize(
    ("where", "is_wanted"),
    [
        (All(ACME, Match("w77")), lambda n: str(n).startswith("77")),
        (All(ACME, Match("w77 hello")), lambda n: str(n).startswith("77")),
        (All(_SENT, Ne("id", "l07701"), Match("w77 hel")), lambda n: str(n).startswith("77") and n % 2 and n != 7701),
        (All(ACME, Match("hello nothing")), lambda _: False),
    ],
    ids=["rare", "rare and frequent", "rare among the sent", "of no row"],
)
def test_a_rare_word_reads_no_row_that_is_not_shown(
    connection: sqlite3.Connection, where: Filter, is_wanted: Callable[[int], bool]
) -> None:
    """Its rows are narrowed, sorted and asked for other words by indexes, for they lie anywhere in the file (V4)."""
    queries = DocumentQueries(Table(IndexedFields(LETTERS)))
    page = queries.find(connection, where, NEWEST, 200, None)
    plan = _explained(connection, where)

    assert [one.number for one in page.items] == [n for n in reversed(range(_LETTERS)) if is_wanted(n)]
    assert "SEARCH d USING COVERING INDEX letters by row, account_id, state, written_at, id (n=?" in plan
    assert "json_each" not in plan


def test_a_word_of_many_terms_is_asked_of_the_row(connection: sqlite3.Connection) -> None:
    """A thousand terms are not sought one by one for each row: the row's own lists are read."""
    where = All(ACME, Has("labels", ["l77"]), Match("w"))
    found, steps = _steps(connection, where, NEWEST)

    assert "json_each" in _explained(connection, where)
    assert found == 5
    assert steps <= 5_000


def test_lists_are_read_last(connection: sqlite3.Connection) -> None:
    """However a search puts them, words that can be sought are asked first: most rows have not all of the words."""
    sql, _ = source(connection, Table(IndexedFields(LETTERS)), All(_SENT, Match("w hello")), NEWEST)

    assert sql.index('EXISTS (SELECT 1 FROM "letters__words"') < sql.index("json_each")


def test_a_sort_that_the_index_by_row_lacks(connection: sqlite3.Connection) -> None:
    """Rows are read where what they are sorted by is nowhere else."""
    sql, _ = source(connection, Table(IndexedFields(LETTERS)), All(ACME, Match("w77")), Sort("weight"))

    assert "by row" not in sql
