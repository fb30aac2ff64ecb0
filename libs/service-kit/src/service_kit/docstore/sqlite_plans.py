"""Where a query begins: at the few rows of a rare value, or along the index that is in the order of the sort.

SQLite guesses how rare a value is, and guesses wrong where one account owns all documents or a tag is on half of
them. So it is asked: a select of few rows is put first; otherwise the documents are walked in the order wanted,
which soon fills a page with what is frequent. What lies between, words above all, is weighed (`sqlite_words`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isqrt
from typing import Any

from service_kit.docstore.fields import ID
from service_kit.docstore.filters import AnyOf, Cmp, Eq, Filter, Has, In, Match
from service_kit.docstore.planning import MAX_VALUES, conjuncts
from service_kit.docstore.port import Sort
from service_kit.docstore.scalars import Stored
from service_kit.docstore.sqlite_filters import (
    EVERYTHING,
    Sql,
    Word,
    condition,
    holds_term,
    holds_word,
    joined,
    term_rows,
    words_of,
)
from service_kit.docstore.sqlite_table import Table, TableIndex
from service_kit.docstore.sqlite_words import LISTS_MICROS, PAGE_ROWS, WordPlan, cheapest, how_far

_VERY_FEW_ROWS = 100
"""Asked first: what is very rare is not worth counting what is frequent beside it."""

_FEW_ROWS = 2_000
"""Of one select fewer rows are read than a walk passes until it has filled a page, up to the root of both sizes."""

_FEW_VALUES = 8
"""So many are looked up for each row that is walked; of more, all rows are selected once."""

Part = Filter | Word


@dataclass(frozen=True, slots=True)
class _Rows:
    """A select of row numbers that holds every match, how many it selects, and what is true of all of them."""

    sql: Sql
    number: int
    says: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _LookedUp:
    """What is asked on a walk of all its entries, read once, and not of each row."""

    parts: tuple[Part, ...] = ()


def source(connection: sqlite3.Connection, table: Table[Any], where: Filter, sort: Sort | None) -> Sql:
    """The part of a statement between its columns and its order that finds what `where` means."""
    parts = list(_parts(where))
    walk = _walk(table, parts, sort)
    looked_up = _LookedUp()
    if walk is None or not _says_all(walk, parts):
        start = _start(connection, table, parts, has_order=walk is not None)
        if isinstance(start, _LookedUp):
            looked_up = start
        rows = start if isinstance(start, _Rows) else _listed_only(table, parts, sort)
        if rows is not None:
            select, bound = rows.sql
            wanted, values = _asked_of_rows(table, [part for part in parts if part not in rows.says])
            # CROSS JOIN is SQLite's way of saying "in this order".
            first = f"FROM (SELECT DISTINCT n FROM ({select})) f CROSS JOIN {table.name} d ON d.n = f.n"  # noqa: S608
            return f"{first} WHERE {wanted}", bound + values
    along = f' INDEXED BY "{walk.name}"' if walk is not None else ""
    wanted, values = _asked_of_rows(table, parts, looked_up)
    return f"FROM {table.name} d{along} WHERE {wanted}", values


def _parts(where: Filter) -> Iterator[Part]:
    """What must all hold, each word of a text for itself."""
    for part in conjuncts(where):
        words = words_of(part) if isinstance(part, Match) else []
        yield from words or (part,)


def _asked_of_rows(table: Table[Any], parts: Sequence[Part], looked_up: _LookedUp = _LookedUp()) -> Sql:
    """What is looked up comes first: it is asked of a number, before the row is read."""
    at_once = [(f"d.n IN ({sql})", values) for part in looked_up.parts for sql, values in _entries_of(table, part)]
    of_rows = [_asked_of_a_row(table, part) for part in parts if part not in looked_up.parts]
    return joined(" AND ", at_once + of_rows, EVERYTHING)


def _asked_of_a_row(table: Table[Any], part: Part) -> Sql:
    if isinstance(part, Has) and len(part.values) <= _FEW_VALUES:
        return holds_term(table, part)
    if isinstance(part, Word):
        return holds_word(table, part)
    return condition(table, part)


def _entries_of(table: Table[Any], part: Part) -> list[Sql]:
    return term_rows(table, part) if isinstance(part, Has | Word) else []


def _walk(table: Table[Any], parts: Sequence[Part], sort: Sort | None) -> TableIndex | None:
    """The index in which the matches follow each other in the order of `sort`, perhaps with others between them."""
    usable = [index for index in table.indexes if _is_in_order(index, parts, sort)]
    return max(usable, key=lambda index: _prefix(index, parts), default=None)


def _is_in_order(index: TableIndex, parts: Sequence[Part], sort: Sort | None) -> bool:
    if sort is None:
        return _says_all(index, parts)
    wanted = (ID,) if sort.field == ID else (sort.field, ID)
    return index.fields[_prefix(index, parts) :] == wanted


def _prefix(index: TableIndex, parts: Sequence[Part]) -> int:
    """How many of the first fields have one value each."""
    equal = {part.field for part in parts if isinstance(part, Eq)}
    return next((at for at, field in enumerate(index.fields) if field not in equal), len(index.fields))


def _says_all(index: TableIndex, parts: Sequence[Part]) -> bool:
    """Whether a stretch of the index is exactly what `parts` mean."""
    prefix = _prefix(index, parts)
    return all(
        (isinstance(part, Eq) and part.field in index.fields[:prefix])
        or (isinstance(part, Cmp) and part.field in index.fields[prefix : prefix + 1])
        for part in parts
    )


def _start(
    connection: sqlite3.Connection, table: Table[Any], parts: Sequence[Part], *, has_order: bool
) -> _Rows | _LookedUp:
    """Rows to begin with, if reading them all is cheaper than to walk until a page is full; else how to walk."""
    (last,) = connection.execute(f"SELECT max(n) FROM {table.name}").fetchone()  # noqa: S608
    if (very_few := _fewest(connection, table, parts, _VERY_FEW_ROWS)) is not None:
        return very_few
    # A few values are asked of each step of a walk in no time: to count how many have them would cost more.
    dear = [part for part in parts if not (isinstance(part, Has) and len(part.values) <= _FEW_VALUES)]
    listed = list(_listed_rows(table, dear))
    others = [part for part in parts if not any(part is one for one, _ in listed)]
    few = _fewest(connection, table, others, max(_FEW_ROWS, isqrt(PAGE_ROWS * (last or 0))))
    if not listed:
        return few or _LookedUp()
    plan, counted = _weighed(connection, [sql for _, sql in listed], last or 1, has_order=has_order)
    if few is not None and few.number * LISTS_MICROS <= plan.micros:
        return few
    chosen = [listed[at] for _, at in counted[: plan.looked_up]]
    return _LookedUp(tuple(part for part, _ in chosen)) if plan.walks else _together(chosen, counted[0][0])


def _weighed(
    connection: sqlite3.Connection, selects: Sequence[Sql], last: int, *, has_order: bool
) -> tuple[WordPlan, Sequence[tuple[int, int]]]:
    """The cheapest plan, after counting as far as may pay; and how many entries each word has, the rarest first."""
    plan, counted = WordPlan(0, walks=True, micros=inf), list[tuple[int, int]]()
    for cap in how_far(last):
        more = [number for number, _ in counted].count(counted[-1][0]) * cap if counted else 0
        if plan.is_cheaper_than_to_count(more):
            break
        counted = sorted((_count(connection, sql, cap), at) for at, sql in enumerate(selects))
        plan = cheapest([number for number, _ in counted], cap, last, has_order=has_order)
        if counted[-1][0] < cap:
            break
    return plan, counted


def _together(chosen: Sequence[tuple[Part, Sql]], number: int) -> _Rows:
    """The rows that have all of the words, the rarest of which comes first.

    The plus keeps SQLite from looking up each number for each term, where terms are many.
    """
    *others, (_, (select, values)) = chosen
    narrowed = "".join(f" AND +n IN ({sql})" for _, (sql, _) in others)
    bound = values + [value for _, (_, more) in others for value in more]
    return _Rows((select + narrowed, bound), number, tuple(part for part, _ in chosen))


def _listed_only(table: Table[Any], parts: Sequence[Part], sort: Sort | None) -> _Rows | None:
    """For a count of what lists alone say: there is nothing to walk along, and no row need be looked at."""
    if sort is not None or not all(isinstance(part, Has | Word) for part in parts):
        return None
    return next((_Rows(sql, _FEW_ROWS, (part,)) for part, sql in _listed_rows(table, parts)), None)


def _fewest(connection: sqlite3.Connection, table: Table[Any], parts: Sequence[Part], cap: int) -> _Rows | None:
    """The select with the fewest rows, if they are fewer than `cap`."""
    found = None
    selects = [(None, sql) for sql in _index_rows(table, parts)]
    for part, sql in (*selects, *_listed_rows(table, parts)):
        number = _count(connection, sql, cap)
        if number < cap:
            found, cap = _Rows(sql, number, () if part is None else (part,)), number
    common = [part for part in parts if isinstance(part, Eq | In | Cmp)]
    for part in parts:
        united = _united(connection, table, part, common, cap) if isinstance(part, AnyOf) else None
        if united is not None:
            found, cap = united, united.number
    return found


def _united(
    connection: sqlite3.Connection, table: Table[Any], where: AnyOf, common: Sequence[Part], cap: int
) -> _Rows | None:
    """The rows of all branches, each together with `common`, if they are fewer than `cap` in all."""
    selects: list[str] = []
    values: list[Stored] = []
    left = cap
    for branch in where.parts:
        rows = _fewest(connection, table, [*common, *conjuncts(branch)], left)
        if rows is None or len(values) > MAX_VALUES:
            return None
        selects.append(f"SELECT n FROM ({rows.sql[0]})")  # noqa: S608
        values += rows.sql[1]
        left -= rows.number
    return _Rows((" UNION ALL ".join(selects or ["SELECT 0 AS n WHERE 0"]), values), cap - left)


def _listed_rows(table: Table[Any], parts: Sequence[Part]) -> Iterator[tuple[Part, Sql]]:
    for part in parts:
        if isinstance(part, Has | Match | Word):
            yield from ((part, sql) for sql in term_rows(table, part))


def _index_rows(table: Table[Any], parts: Sequence[Part]) -> Iterator[Sql]:
    """The stretch of each index that `parts` bind, unless another index is bound by the same and more."""
    by_id = TableIndex("", (ID,), unique=True)
    stretches = {index: _bound(index, parts) for index in (*table.indexes, by_id)}
    longest_first = sorted(stretches, key=lambda index: len(stretches[index]), reverse=True)
    seen: list[list[Filter]] = []
    for index in longest_first:
        bound = stretches[index]
        if bound and not any(all(part in other for part in bound) for other in seen):
            seen.append(bound)
            along = f' INDEXED BY "{index.name}"' if index.name else ""
            wanted, values = joined(" AND ", [condition(table, part) for part in bound], EVERYTHING)
            yield f"SELECT d.n FROM {table.name} d{along} WHERE {wanted}", values  # noqa: S608


def _bound(index: TableIndex, parts: Sequence[Part]) -> list[Filter]:
    """The parts that narrow the index: equality on its first fields, then at most one range."""
    bound: list[Filter] = []
    for field in index.fields:
        equal = [part for part in parts if isinstance(part, Eq | In) and part.field == field]
        if not equal:
            return bound + [part for part in parts if isinstance(part, Cmp) and part.field == field]
        bound += equal
    return bound


def _count(connection: sqlite3.Connection, rows: Sql, cap: int) -> int:
    sql, values = rows
    (number,) = connection.execute(f"SELECT count(*) FROM ({sql} LIMIT {cap})", values).fetchone()  # noqa: S608
    return int(number)
