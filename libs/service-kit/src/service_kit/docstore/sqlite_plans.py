"""Where a query begins: at the few rows of a rare value, or along the index that is in the order of the sort.

SQLite guesses how rare a value is, and guesses wrong where one account owns all documents or a tag is on half of
them. So it is asked: a select of few rows is put first; otherwise the documents are walked in the order wanted,
which soon fills a page with what is frequent. What lies between, words above all, is weighed (`sqlite_words`).
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isqrt
from typing import Any

from service_kit.docstore.fields import ID
from service_kit.docstore.filters import AnyOf, Cmp, Eq, Filter, Has, In, Match, Ne
from service_kit.docstore.planning import conjuncts
from service_kit.docstore.port import Sort
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
from service_kit.docstore.sqlite_rows import Part, Rows, count_rows, fewest, listed_rows
from service_kit.docstore.sqlite_table import Table, TableIndex
from service_kit.docstore.sqlite_terms import FEW_TERMS, with_terms
from service_kit.docstore.sqlite_words import (
    BY_ROW_MICROS,
    LISTS_MICROS,
    PAGE_ROWS,
    ROW_MICROS,
    Counted,
    WordPlan,
    cheapest,
    how_far,
)

_VERY_FEW_ROWS = 100
"""Asked first: what is very rare is not worth counting what is frequent beside it."""

_FEW_ROWS = 2_000
"""Of one select fewer rows are read than a walk passes until it has filled a page, up to the root of both sizes."""

_FEW_VALUES = 8
"""So many are looked up for each row that is walked; of more, all rows are selected once."""


@dataclass(frozen=True, slots=True)
class _LookedUp:
    """What is asked on a walk of all its entries, read once, and not of each row."""

    parts: tuple[Part, ...] = ()


def source(connection: sqlite3.Connection, table: Table[Any], where: Filter, sort: Sort | None) -> Sql:
    """The part of a statement between its columns and its order that finds what `where` means."""
    parts = [with_terms(connection, table, part) if isinstance(part, Word) else part for part in _parts(where)]
    walk = _walk(table, parts, sort)
    looked_up = _LookedUp()
    if walk is None or not _says_all(walk, parts):
        by_row = _by_row(table, parts, sort)
        row_micros = ROW_MICROS if by_row is None else BY_ROW_MICROS
        start = _start(connection, table, parts, has_order=walk is not None, row_micros=row_micros)
        if isinstance(start, _LookedUp):
            looked_up = start
        rows = start if isinstance(start, Rows) else _listed_only(table, parts, sort)
        if rows is not None:
            select, bound = rows.sql
            along = _along(by_row)
            wanted, values = _asked_of_rows(table, [part for part in parts if part not in rows.says], row="f")
            # CROSS JOIN is SQLite's way of saying "in this order".
            first = f"FROM (SELECT DISTINCT n FROM ({select})) f CROSS JOIN {table.name} d{along} ON d.n = f.n"  # noqa: S608
            return f"{first} WHERE {wanted}", bound + values
    wanted, values = _asked_of_rows(table, parts, looked_up)
    return f"FROM {table.name} d{_along(walk)} WHERE {wanted}", values


def _along(index: TableIndex | None) -> str:
    return "" if index is None else f' INDEXED BY "{index.name}"'


def _by_row(table: Table[Any], parts: Sequence[Part], sort: Sort | None) -> TableIndex | None:
    """The index by row, if it has all that rows are asked for and sorted by: then no row is read that is not shown."""
    if table.by_row is None:
        return None
    asked = {part.field for part in parts if isinstance(part, Eq | Ne | In | Cmp)} | ({sort.field} if sort else set())
    is_covered = asked <= set(table.by_row.fields) and not any(isinstance(part, AnyOf) for part in parts)
    return table.by_row if is_covered else None


def _parts(where: Filter) -> Iterator[Part]:
    """What must all hold, each word of a text for itself."""
    for part in conjuncts(where):
        words = words_of(part) if isinstance(part, Match) else []
        yield from words or (part,)


def _asked_of_rows(
    table: Table[Any], parts: Sequence[Part], looked_up: _LookedUp = _LookedUp(), *, row: str = "d"
) -> Sql:
    """What is looked up comes first: it is asked of the number that `row` has, before the row is read."""
    at_once = [(f"d.n IN ({sql})", values) for part in looked_up.parts for sql, values in _entries_of(table, part)]
    cheapest_first = sorted(parts, key=_dearness)
    of_rows = [_asked_of_a_row(table, part, row) for part in cheapest_first if part not in looked_up.parts]
    return joined(" AND ", at_once + of_rows, EVERYTHING)


def _dearness(part: Part) -> int:
    return _terms(part) if _terms(part) >= 0 else FEW_TERMS + 1 if isinstance(part, Word) else 0


def _asked_of_a_row(table: Table[Any], part: Part, row: str) -> Sql:
    if isinstance(part, Has) and len(part.values) <= _FEW_VALUES:
        return holds_term(table, part, row)
    if isinstance(part, Word):
        return holds_word(table, part, row)
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
    connection: sqlite3.Connection, table: Table[Any], parts: Sequence[Part], *, has_order: bool, row_micros: float
) -> Rows | _LookedUp:
    """Rows to begin with, if reading them all is cheaper than to walk until a page is full; else how to walk."""
    (last,) = connection.execute(f"SELECT max(n) FROM {table.name}").fetchone()  # noqa: S608
    if (very_few := fewest(connection, table, parts, _VERY_FEW_ROWS)) is not None:
        return very_few
    # A few values are asked of each step of a walk in no time: to count how many have them would cost more.
    dear = [part for part in parts if not (isinstance(part, Has) and len(part.values) <= _FEW_VALUES)]
    listed = list(listed_rows(table, dear))
    others = [part for part in parts if not any(part is one for one, _ in listed)]
    few = fewest(connection, table, others, max(_FEW_ROWS, isqrt(PAGE_ROWS * (last or 0))))
    if not listed:
        return few or _LookedUp()
    weigh = partial(cheapest, rows=last or 1, has_order=has_order, row_micros=row_micros)
    plan, counted = _weighed(connection, listed, how_far(last or 1), weigh)
    if few is not None and few.number * LISTS_MICROS <= plan.micros:
        return few
    chosen = [listed[at] for _, at in counted[: plan.looked_up]]
    return _LookedUp(tuple(part for part, _ in chosen)) if plan.walks else _together(chosen, counted[0][0].entries)


def _weighed(
    connection: sqlite3.Connection,
    listed: Sequence[tuple[Part, Sql]],
    caps: Sequence[int],
    weigh: Callable[[Sequence[Counted], int], WordPlan],
) -> tuple[WordPlan, Sequence[tuple[Counted, int]]]:
    """The cheapest plan, after counting as far as may pay; and how many entries each word has, the rarest first."""
    plan, counted = WordPlan(0, walks=True, micros=inf), list[tuple[Counted, int]]()
    for cap in caps:
        more = [one.entries for one, _ in counted].count(counted[-1][0].entries) * cap if counted else 0
        if plan.is_good_enough(more):
            break
        counted = sorted(
            (Counted(count_rows(connection, sql, cap), _terms(part)), at) for at, (part, sql) in enumerate(listed)
        )
        plan = weigh([one for one, _ in counted], cap)
        if counted[-1][0].entries < cap:
            break
    return plan, counted


def _terms(part: Part) -> int:
    return len(part.terms) if isinstance(part, Word) and part.terms is not None else -1


def _together(chosen: Sequence[tuple[Part, Sql]], number: int) -> Rows:
    """The rows that have all of the words, the rarest of which comes first.

    The plus keeps SQLite from looking up each number for each term, where terms are many.
    """
    *others, (_, (select, values)) = chosen
    narrowed = "".join(f" AND +n IN ({sql})" for _, (sql, _) in others)
    bound = values + [value for _, (_, more) in others for value in more]
    return Rows((select + narrowed, bound), number, tuple(part for part, _ in chosen))


def _listed_only(table: Table[Any], parts: Sequence[Part], sort: Sort | None) -> Rows | None:
    """For a count of what lists alone say: there is nothing to walk along, and no row need be looked at."""
    if sort is not None or not all(isinstance(part, Has | Word) for part in parts):
        return None
    return next((Rows(sql, _FEW_ROWS, (part,)) for part, sql in listed_rows(table, parts)), None)
