"""What the SQLite store does when the process dies, the disk is full, or the file cannot be used."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from service_kit.docstore import Collection, Eq, Fate, StoreUnavailable
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.testing.docstore_harness import LETTERS, Letter, letter, running, stored

_INSERTS_FOR_EVER = """
import asyncio, sys
from itertools import count
from pathlib import Path
from service_kit.docstore import Fate
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.testing.docstore_harness import LETTERS, letter

async def write(letters, task):
    for number in count():
        ids = [f"{task}-{number}-{part}" for part in range(task % 3 + 1)]
        fates = await letters.insert_many([letter(one, labels=[f"t{task}"]) for one in ids])
        assert set(fates) == {Fate.DONE}
        print(*ids, flush=True)

async def main():
    store = SqliteDocStore(Path(sys.argv[1]))
    letters = store.collection(LETTERS)
    await store.start()
    await asyncio.gather(*(write(letters, task) for task in range(8)))

asyncio.run(main())
"""
_LARGE = "x" * 20_000


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Another process's write lock on the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.faults
@pytest.mark.parametrize("acknowledged", [1, 200])
async def test_killed_while_inserting(tmp_path: Path, acknowledged: int) -> None:
    """Whatever was answered DONE before the process was killed is there, whole, in its next life."""
    path = tmp_path / "store.sqlite"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _INSERTS_FOR_EVER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    lines = [await child.stdout.readline() for _ in range(acknowledged)]
    child.send_signal(signal.SIGKILL)
    lines += [line for line in (await child.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    code = await child.wait()
    promised = b"".join(lines).decode().split()
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)
    async with running(store):
        found = await letters.get_many(promised)
        again = await letters.insert_many([letter("next life")])

    assert code == -signal.SIGKILL
    assert len(lines) >= acknowledged
    assert set(found) == set(promised)
    assert again == [Fate.DONE]


async def test_commits_are_synced(tmp_path: Path) -> None:
    """Every commit is forced to the disk before it is answered (I3)."""
    store = SqliteDocStore(tmp_path / "store.sqlite")
    async with running(store):
        mode = await store._writer.run(lambda connection: connection.execute("PRAGMA journal_mode").fetchone())
        level = await store._writer.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone())

    assert (mode, level) == (("wal",), (2,))


async def test_disk_full(tmp_path: Path) -> None:
    """On a full disk writers hear `StoreUnavailable`, readers go on, and writing goes on when there is room again."""
    store = SqliteDocStore(tmp_path / "store.sqlite", max_pages=200)
    letters = store.collection(LETTERS)
    async with running(store):
        done = await _insert_until_full(letters)
        refused = await asyncio.gather(
            *(letters.insert_many([letter(f"r{at}", text=_LARGE)]) for at in range(10)), return_exceptions=True
        )
        kept = await stored(letters, done)
        leftovers = await letters.get_many([f"r{at}" for at in range(10)])
        freed = await letters.delete_many(kept[:5])
        again = await letters.insert_many([letter("again", text=_LARGE)])

    assert len(done) > 5
    assert all(isinstance(answer, StoreUnavailable) for answer in refused)
    assert leftovers == {}
    assert freed == [Fate.DONE] * 5
    assert again == [Fate.DONE]


async def test_locked(tmp_path: Path) -> None:
    """While another process holds the file every writer in flight gets its error; afterwards all is as before."""
    path = tmp_path / "store.sqlite"
    store = SqliteDocStore(path, busy_timeout_seconds=0.05)
    letters = store.collection(LETTERS)
    async with running(store):
        await letters.insert_many([letter("a")])
        with _locked(path):
            writes = [letters.insert_many([letter(f"l{at}")]) for at in range(20)]
            refused = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), timeout=10)
            with pytest.raises(StoreUnavailable):
                await store.ping()
            read = await letters.get("a")
        await store.ping()
        fates = await letters.insert_many([letter(f"l{at}") for at in range(20)])

    assert all(isinstance(answer, StoreUnavailable) for answer in refused)
    assert read is not None
    assert fates == [Fate.DONE] * 20


async def test_a_file_that_comes_back(tmp_path: Path) -> None:
    """A store whose file cannot be read for a while answers so, and reads again when it is back, without a restart."""
    path = tmp_path / "store.sqlite"
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)
    async with running(store):
        await letters.insert_many([letter("a")])
        path.rename(tmp_path / "away")
        path.write_bytes(b"no database at all " * 1000)
        with pytest.raises(StoreUnavailable):
            await letters.get("a")
        with pytest.raises(StoreUnavailable):
            await letters.count(Eq("account_id", "acme"))
        (tmp_path / "away").rename(path)
        back = await letters.get("a")

    assert back is not None


@pytest.mark.parametrize("obstacle", ["no database", "a folder", "a file for a folder"])
async def test_cannot_start(tmp_path: Path, obstacle: str) -> None:
    """A path that cannot be a database's is reported as such; when the obstacle is gone the same store starts."""
    path = tmp_path / "store" / "tickets.sqlite"
    in_the_way = tmp_path / "store" if obstacle == "a file for a folder" else path
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    if obstacle == "a folder":
        path.mkdir()
    else:
        in_the_way.write_bytes(b"no database at all " * 1000)
    store = SqliteDocStore(path)
    letters = store.collection(LETTERS)

    with pytest.raises(StoreUnavailable):
        await store.start()
    with pytest.raises(StoreUnavailable):
        await letters.get("a")
    in_the_way.rename(tmp_path / "away")
    async with running(store):
        assert await letters.insert_many([letter("a")]) == [Fate.DONE]


async def _insert_until_full(letters: Collection[Letter]) -> list[str]:
    done: list[str] = []
    for at in count():
        try:
            await letters.insert_many([letter(f"l{at}", text=_LARGE)])
        except StoreUnavailable:
            return done
        done.append(f"l{at}")
    raise AssertionError("the disk is never full")
