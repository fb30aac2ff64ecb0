"""Reads of a SQLite file: the short ones on the event loop, the others on threads, all with the same answers."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from service_kit.docstore import StoreUnavailable
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_reads import StoreReads

_LONG = "WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 5000) SELECT max(n) FROM up"


def _read(statement: str, connection: sqlite3.Connection) -> tuple[int, int]:
    """What a statement says, and on which thread."""
    [(answer,)] = connection.execute(statement).fetchall()
    return int(answer), threading.get_ident()


def short(connection: sqlite3.Connection) -> tuple[int, int]:
    """A read of one step."""
    return _read("SELECT 7", connection)


def long(connection: sqlite3.Connection) -> tuple[int, int]:
    """A read of more steps than the event loop should wait for."""
    return _read(_LONG, connection)


def mistaken(connection: sqlite3.Connection) -> tuple[int, int]:
    """A read that no file answers."""
    return _read("SELECT missing", connection)


@pytest_asyncio.fixture
async def reads(tmp_path: Path) -> AsyncIterator[StoreReads]:
    """The reads of an empty file."""
    reads = StoreReads(SqliteFile(tmp_path / "store.sqlite"), threads=1)
    reads.start()
    yield reads
    await reads.stop()


async def test_a_short_read_takes_no_thread(reads: StoreReads) -> None:
    """What is read in a few steps is read where it was asked for, unless it is said to be long."""
    here = threading.get_ident()

    assert await reads.run(short) == (7, here)
    assert (await reads.run(short, is_long=True))[1] != here


async def test_a_long_read_leaves_the_loop(reads: StoreReads) -> None:
    """What takes many steps is given up and read by a thread; short ones after it are read at once again."""
    answer, thread = await reads.run(long)

    assert answer == 5000
    assert thread != threading.get_ident()
    assert await reads.run(short) == (7, threading.get_ident())


async def test_many_short_reads_are_short_each(reads: StoreReads) -> None:
    """Steps are counted for each read by itself, also where a statement is used again and again."""
    threads = {(await reads.run(short))[1] for _ in range(2000)}

    assert threads == {threading.get_ident()}


async def test_a_mistake_is_told(reads: StoreReads) -> None:
    """A mistaken read fails as it does on a thread, and spoils none that follows."""
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        await reads.run(mistaken)

    assert (await reads.run(short))[0] == 7


async def test_others_get_their_turn(reads: StoreReads) -> None:
    """Who reads page after page does not keep the event loop to itself."""
    reading = asyncio.create_task(_read_on(reads, 100))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns >= 100


async def test_a_stopped_store_does_not_read(reads: StoreReads) -> None:
    """After the stop every read is refused, also a short one."""
    await reads.run(short)
    await reads.stop()

    with pytest.raises(StoreUnavailable):
        await reads.run(short)


async def _read_on(reads: StoreReads, count: int) -> None:
    for _ in range(count):
        await reads.run(short)
