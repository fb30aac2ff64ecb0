"""Which stored tokens begin with a word: where these are few, a row can be asked for each of them by its number."""

import sqlite3
from typing import Any

from service_kit.docstore.sqlite_filters import LAST_CHARACTER, Word, tokens_table
from service_kit.docstore.sqlite_table import Table

FEW_TERMS = 32


def with_terms(connection: sqlite3.Connection, table: Table[Any], word: Word) -> Word:
    """The word with its terms, if these are few: they are leapt from one to the next, however many entries each has."""
    name, end = tokens_table(table), word.word + LAST_CHARACTER
    statement = (
        f"WITH RECURSIVE terms (term) AS (SELECT min(term) FROM {name} WHERE term >= ? AND term < ? UNION ALL"  # noqa: S608
        f" SELECT (SELECT min(term) FROM {name} WHERE term > terms.term AND term < ?) FROM terms"
        f" WHERE terms.term IS NOT NULL) SELECT term FROM terms WHERE term IS NOT NULL LIMIT {FEW_TERMS + 1}"
    )
    terms = tuple(term for (term,) in connection.execute(statement, (word.word, end, end)))
    return word if len(terms) > FEW_TERMS else Word(word.word, terms)
