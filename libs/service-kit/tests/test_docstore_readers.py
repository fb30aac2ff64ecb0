"""The reader threads: one connection each, exchanged when it has failed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from service_kit.docstore import StoreUnavailable
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_readers import ReaderPool


class Bench:
    """A pool of one thread on an empty file, whose connections are counted."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path)
        self.opened: list[sqlite3.Connection] = []
        self.pool = ReaderPool(self._open, threads=1)

    def _open(self) -> sqlite3.Connection:
        self.opened.append(self._file.open_reader())
        return self.opened[-1]


def _one(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT 1").fetchone()[0])


def _interrupted(connection: sqlite3.Connection) -> int:
    connection.set_progress_handler(lambda: 1, 1)
    return _one(connection)


def _mistaken(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT missing").fetchone()[0])


def _writing(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE numbers (number)")


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench whose pool runs."""
    bench = Bench(tmp_path / "store.sqlite")
    bench.pool.start()
    yield bench
    await bench.pool.stop()


async def test_connections_are_kept(bench: Bench) -> None:
    """A thread opens one connection and goes on with it, also after a mistake of ours."""
    answers = [await bench.pool.run(_one) for _ in range(3)]
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        await bench.pool.run(_mistaken)

    assert answers == [1, 1, 1]
    assert await bench.pool.run(_one) == 1
    assert len(bench.opened) == 1


async def test_a_failed_connection_is_exchanged(bench: Bench) -> None:
    """After an error of the file the thread opens a new connection: the old one may be past help."""
    with pytest.raises(StoreUnavailable):
        await bench.pool.run(_interrupted)

    assert await bench.pool.run(_one) == 1
    assert len(bench.opened) == 2
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        bench.opened[0].execute("SELECT 1")


async def test_readers_cannot_write(bench: Bench) -> None:
    """A reader that tries to write is refused by SQLite itself."""
    with pytest.raises(StoreUnavailable, match="readonly"):
        await bench.pool.run(_writing)


async def test_stop(bench: Bench) -> None:
    """Reads that were asked for are finished; then every connection is closed and reads are refused."""
    reads = [asyncio.create_task(bench.pool.run(_one)) for _ in range(10)]
    await asyncio.sleep(0)  # one turn of the loop: all have asked
    await bench.pool.stop()

    assert await asyncio.gather(*reads) == [1] * 10
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        bench.opened[0].execute("SELECT 1")
    with pytest.raises(StoreUnavailable):
        await bench.pool.run(_one)
