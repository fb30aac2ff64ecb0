"""Waiting until a system has nothing left to do, so that whatever is wrong then stays wrong."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from faults.bus_view import bus_view
from faults.system import System
from service_kit.testing.eventually import eventually

_UNFINISHED = {"f_outbox_since": "f_outbox_since IS NOT NULL", "f_is_waiting": "f_is_waiting"}
"""Columns that say so by themselves in any table: events not published, tickets nobody was given."""


async def until_quiet(system: System, seconds: float) -> None:
    """Wait until every reader has read everything, every outbox is empty, and everything that was to leave has left.

    Raises:
        AssertionError: something still moves; it is named.
    """

    async def is_quiet() -> bool:
        moving = await _moving(system.home)
        assert not moving, f"still moving: {moving}"
        return True

    await eventually(is_quiet, seconds)


async def _moving(home: Path) -> Mapping[str, int]:
    """What is not finished, and how much of it. Stores first: whatever leaves them afterwards is seen on the bus."""
    stored = dict(_unfinished(home / "store"))
    async with bus_view(home) as bus:
        return stored | dict(await bus.waiting()) | dict(_unfinished(home / "store"))


def _unfinished(folder: Path) -> Iterator[tuple[str, int]]:
    """The services' own files, because no API tells of outboxes and timers."""
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
