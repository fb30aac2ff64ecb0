"""What the services' SQLite files say is not finished, because no API tells of outboxes and timers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_UNFINISHED = {"f_outbox_since": "f_outbox_since IS NOT NULL", "f_is_waiting": "f_is_waiting"}
"""Columns that say so by themselves in any table: events not published, tickets nobody was given."""


def unfinished_in(folder: Path) -> Iterator[tuple[str, int]]:
    """What and how much, over all files of the folder."""
    for file in sorted(folder.glob("*.sqlite")):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                columns = {row[1] for row in store.execute(f"PRAGMA table_info({table})")}
                for where in _conditions(table, columns):
                    (count,) = store.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()  # noqa: S608
                    if count:
                        yield f"{file.stem}.{table} {where}", count


def _conditions(table: str, columns: set[str]) -> list[str]:
    conditions = [where for column, where in _UNFINISHED.items() if column in columns]
    if table in {"deliveries", "webhook_deliveries"}:
        conditions.append("f_due_at IS NOT NULL")
    return conditions
