"""Selects of row numbers that hold every match; how many each selects is counted, because SQLite guesses wrong."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service_kit.docstore.fields import ID
from service_kit.docstore.filters import AnyOf, Cmp, Eq, Filter, Has, In, Match
from service_kit.docstore.planning import MAX_VALUES, conjuncts
from service_kit.docstore.scalars import Stored
from service_kit.docstore.sqlite_filters import EVERYTHING, Sql, Word, condition, joined, term_rows
from service_kit.docstore.sqlite_table import Table, TableIndex

Part = Filter | Word


@dataclass(frozen=True, slots=True)
class Rows:
    """A select of row numbers that holds every match, how many it selects, and what is true of all of them."""

    sql: Sql
    number: int
    says: tuple[Part, ...] = ()


def fewest(connection: sqlite3.Connection, table: Table[Any], parts: Sequence[Part], cap: int) -> Rows | None:
    """The select with the fewest rows, if they are fewer than `cap`."""
    found = None
    selects = [(None, sql) for sql in _index_rows(table, parts)]
    for part, sql in (*selects, *listed_rows(table, parts)):
        number = count_rows(connection, sql, cap)
        if number < cap:
            found, cap = Rows(sql, number, () if part is None else (part,)), number
    common = [part for part in parts if isinstance(part, Eq | In | Cmp)]
    for part in parts:
        united = _united(connection, table, part, common, cap) if isinstance(part, AnyOf) else None
        if united is not None:
            found, cap = united, united.number
    return found


def _united(
    connection: sqlite3.Connection, table: Table[Any], where: AnyOf, common: Sequence[Part], cap: int
) -> Rows | None:
    """The rows of all branches, each together with `common`, if they are fewer than `cap` in all."""
    selects: list[str] = []
    values: list[Stored] = []
    left = cap
    for branch in where.parts:
        rows = fewest(connection, table, [*common, *conjuncts(branch)], left)
        if rows is None or len(values) > MAX_VALUES:
            return None
        selects.append(f"SELECT n FROM ({rows.sql[0]})")  # noqa: S608
        values += rows.sql[1]
        left -= rows.number
    return Rows((" UNION ALL ".join(selects or ["SELECT 0 AS n WHERE 0"]), values), cap - left)


def listed_rows(table: Table[Any], parts: Sequence[Part]) -> Iterator[tuple[Part, Sql]]:
    """The entries of each part that lists answer."""
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


def count_rows(connection: sqlite3.Connection, rows: Sql, cap: int) -> int:
    """How many a select selects, counted no further than `cap`."""
    sql, values = rows
    (number,) = connection.execute(f"SELECT count(*) FROM ({sql} LIMIT {cap})", values).fetchone()  # noqa: S608
    return int(number)
