"""Group commit: one transaction for many, and nobody pays for another's mistake."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NoReturn

import pytest
import pytest_asyncio

from service_kit.docstore import StoreUnavailable
from service_kit.docstore.sqlite_connection import SqliteFile
from service_kit.docstore.sqlite_writer import GroupCommitWriter


class Crash(BaseException):
    """What no handler of ordinary errors catches."""


class Bench:
    """A writer on a file with one table of numbers, whose commits are counted."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path)
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        connection.close()
        self._path = path
        self.commits = 0
        self.writer = GroupCommitWriter(self._open)

    def numbers(self) -> list[int]:
        """What another connection sees."""
        connection = sqlite3.connect(self._path)
        rows = connection.execute("SELECT number FROM numbers ORDER BY number").fetchall()
        connection.close()
        return [number for (number,) in rows]

    async def hold(self) -> threading.Event:
        """Keep the writer busy with a job of its own until the event is set."""
        began, release = threading.Event(), threading.Event()

        def wait(_: sqlite3.Connection) -> None:
            began.set()
            release.wait(timeout=10)

        self.holding = asyncio.create_task(self.writer.run(wait))
        await asyncio.to_thread(began.wait, 10)
        return release

    def _open(self) -> sqlite3.Connection:
        connection = self._file.open_writer()
        connection.set_trace_callback(self._note)
        return connection

    def _note(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


def adding(number: int) -> Callable[[sqlite3.Connection], int]:
    """A job that stores a number and returns it."""

    def add(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return add


def failing(number: int, error: BaseException) -> Callable[[sqlite3.Connection], NoReturn]:
    """A job that fails when it has stored a number."""

    def fail(connection: sqlite3.Connection) -> NoReturn:
        adding(number)(connection)
        raise error

    return fail


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench whose writer runs."""
    bench = Bench(tmp_path / "numbers.sqlite")
    bench.writer.start()
    yield bench
    await bench.writer.stop()


async def test_one_commit_for_many(bench: Bench) -> None:
    """All jobs that came while the writer was busy are committed together, in their order."""
    release = await bench.hold()
    jobs = [asyncio.create_task(bench.writer.run(adding(number))) for number in range(100)]
    await asyncio.sleep(0)  # one turn of the loop: all are waiting
    release.set()

    answers = await asyncio.gather(*jobs)

    assert answers == list(range(100))
    assert bench.numbers() == list(range(100))
    assert bench.commits == 2


async def test_groups_are_capped(bench: Bench) -> None:
    """Jobs that hold many documents are not all put into one transaction."""
    release = await bench.hold()
    jobs = [asyncio.create_task(bench.writer.run(adding(number), weight=1_000)) for number in range(10)]
    await asyncio.sleep(0)  # one turn of the loop: all are waiting
    release.set()
    await asyncio.gather(*jobs)

    assert bench.commits == 1 + 5


@pytest.mark.parametrize("error", [ZeroDivisionError(), Crash()], ids=repr)
async def test_a_mistake_is_undone_alone(bench: Bench, error: BaseException) -> None:
    """A job that fails leaves nothing, gets its own error, and the others of its group are committed."""
    release = await bench.hold()
    jobs = [asyncio.create_task(bench.writer.run(adding(number))) for number in range(5)]
    jobs.insert(2, asyncio.create_task(bench.writer.run(failing(77, error))))
    await asyncio.sleep(0)  # one turn of the loop: all are waiting
    release.set()

    answers = await asyncio.gather(*jobs, return_exceptions=True)
    later = await bench.writer.run(adding(6))

    assert answers == [0, 1, error, 2, 3, 4]
    assert later == 6
    assert bench.numbers() == [0, 1, 2, 3, 4, 6]


async def test_cancelled_while_waiting(bench: Bench) -> None:
    """A job whose caller gave up before its turn is left out; its neighbours are not."""
    release = await bench.hold()
    jobs = [asyncio.create_task(bench.writer.run(adding(number))) for number in range(5)]
    await asyncio.sleep(0)  # one turn of the loop: all are waiting
    jobs[1].cancel()
    jobs[3].cancel()
    await asyncio.sleep(0)  # and one more: the two have given up
    release.set()
    await asyncio.gather(*jobs, return_exceptions=True)

    assert [job.cancelled() for job in jobs] == [False, True, False, True, False]
    assert bench.numbers() == [0, 2, 4]


async def test_cancelled_during_its_turn(bench: Bench) -> None:
    """A caller that gives up while its job runs changes nothing for the job, nor for those behind it."""
    release = await bench.hold()
    behind = asyncio.create_task(bench.writer.run(adding(1)))
    await asyncio.sleep(0)  # one turn of the loop: it is waiting
    bench.holding.cancel()
    release.set()

    assert await behind == 1
    assert bench.commits == 2


async def test_stop(bench: Bench) -> None:
    """Stopping finishes what was asked before, and refuses what is asked after at once."""
    release = await bench.hold()
    before = asyncio.create_task(bench.writer.run(adding(1)))
    await asyncio.sleep(0)  # one turn of the loop: it is waiting
    stopping = asyncio.create_task(bench.writer.stop())
    await asyncio.sleep(0)  # one turn of the loop: stopping has begun

    with pytest.raises(StoreUnavailable):
        await bench.writer.run(adding(2))
    release.set()
    await stopping

    assert await before == 1
    assert bench.numbers() == [1]
