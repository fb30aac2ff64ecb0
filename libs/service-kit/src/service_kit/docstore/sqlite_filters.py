"""The filter language as SQL conditions on the table `d`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from service_kit.docstore.filters import All, AnyOf, Cmp, Eq, Filter, Has, In, Match, Ne
from service_kit.docstore.scalars import Stored, comparable
from service_kit.docstore.sqlite_table import Table
from service_kit.docstore.tokens import query_words

Sql = tuple[str, list[Stored]]
"""A piece of SQL and the values bound in it, in order."""

_NOTHING: Sql = ("0", [])
EVERYTHING: Sql = ("1", [])
LAST_CHARACTER = "\U0010ffff"
"""After every character that a token can hold: the end of a prefix's range."""


def condition(table: Table[Any], where: Filter) -> Sql:  # noqa: PLR0911 - one for each form of the language
    """An expression that is true for the rows that `where` means."""
    match where:
        case Eq(field=field, value=value):
            return _one_of(f"d.{table.column(field)}", [value])
        case Ne(field=field, value=value):
            return f"d.{table.column(field)} IS NOT ?", [comparable(value)]
        case In(field=field, values=values):
            return _one_of(f"d.{table.column(field)}", values)
        case Cmp(field=field, op=op, value=value):
            return f"d.{table.column(field)} {op} ?", [comparable(value)]
        case Has() | Match():
            rows = [(f"d.n IN ({sql})", values) for sql, values in term_rows(table, where)]
            return joined(" AND ", rows, _NOTHING)
        case All(parts=parts):
            return joined(" AND ", [condition(table, part) for part in parts], EVERYTHING)
        case AnyOf(parts=parts):
            return joined(" OR ", [condition(table, part) for part in parts], _NOTHING)
        case _:
            assert_never(where)


@dataclass(frozen=True, slots=True)
class Word:
    """One of the words of a `Match`, as tokens have them.

    `terms` are the stored tokens that begin with it, where these are known and few.
    """

    word: str
    terms: tuple[str, ...] | None = None


def tokens_table(table: Table[Any]) -> str:
    """The table of the words that a `Match` asks for; a collection that has none is not asked."""
    return table.list_table(table.fields.spec.tokens or "").name


def words_of(where: Match) -> list[Word]:
    """All of which must hold; none at all: nothing matches."""
    return [Word(word) for word in query_words(where.text)]


def term_rows(table: Table[Any], where: Has | Match | Word) -> list[Sql]:
    """Selects of row numbers; what is in all of them matches. None at all: nothing matches."""
    if isinstance(where, Has):
        name = table.list_table(where.field).name
        return [(f"SELECT n FROM {name} WHERE {sql}", values) for sql, values in [_one_of("term", where.values)]]  # noqa: S608
    name = tokens_table(table)
    asked = [where] if isinstance(where, Word) else words_of(where)
    return [(f"SELECT n FROM {name} WHERE {sql}", values) for sql, values in map(_terms_of, asked)]  # noqa: S608


def holds_term(table: Table[Any], where: Has, row: str = "d") -> Sql:
    """`where` as a question to one `row`: better than a select of all its rows when these are many."""
    sql, values = _one_of("term", where.values)
    return f"EXISTS (SELECT 1 FROM {table.list_table(where.field).name} WHERE {sql} AND n = {row}.n)", values  # noqa: S608


def holds_word(table: Table[Any], where: Word, row: str = "d") -> Sql:
    """`where` as a question to one `row`: a frequent word is in too many to select.

    Its few terms are looked up for the row; else its own copy of its lists is read, and finding the text in it first
    spares most rows the reading of JSON.
    """
    if where.terms is not None:
        sql, values = _terms_of(where)
        return f"EXISTS (SELECT 1 FROM {tokens_table(table)} WHERE {sql} AND n = {row}.n)", values  # noqa: S608
    at = table.fields.lists.index(table.fields.spec.tokens or "")
    sql = (
        f"(instr(d.lists, ?) > 0 AND EXISTS (SELECT 1 FROM json_each(d.lists, '$[{at}]')"  # noqa: S608 - a number
        " WHERE value >= ? AND value < ?))"
    )
    return sql, [json.dumps(where.word, ensure_ascii=False)[:-1], where.word, where.word + LAST_CHARACTER]


def _terms_of(word: Word) -> Sql:
    """Which entries are a word's: few terms are named, because of one SQLite knows that its rows are in order."""
    if word.terms is not None:
        return _one_of("term", word.terms)
    return "term >= ? AND term < ?", [word.word, word.word + LAST_CHARACTER]


def _one_of(column: str, values: Sequence[Any]) -> Sql:
    stored = [comparable(value) for value in values]
    present = [value for value in stored if value is not None]
    parts: list[Sql] = []
    if len(present) == 1:
        parts.append((f"{column} = ?", [*present]))
    elif present:
        parts.append((f"{column} IN ({', '.join('?' * len(present))})", [*present]))
    if len(present) < len(stored):
        parts.append((f"{column} IS NULL", []))
    return joined(" OR ", parts, _NOTHING)


def joined(operator: str, parts: list[Sql], otherwise: Sql) -> Sql:
    """All `parts` in one; `otherwise` if there are none."""
    if not parts:
        return otherwise
    return f"({operator.join(sql for sql, _ in parts)})", [value for _, values in parts for value in values]
