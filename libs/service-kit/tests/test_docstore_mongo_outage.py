"""What the MongoDB store does when its engine dies, hangs, is late, or does not let us in."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from engines.documents import DocumentEngine
from service_kit.docstore import Eq, Fate, StoreUnavailable
from service_kit.docstore.mongo import MongoDocStore
from service_kit.errors import Refused
from service_kit.testing.docstore_harness import LETTERS, letter, running, stored
from service_kit.testing.eventually import eventually

NOWHERE = "mongodb://127.0.0.1:9/"


@pytest_asyncio.fixture
async def engine(local_engines: None) -> AsyncIterator[DocumentEngine]:
    """An engine of this test's own, to be killed."""
    with await asyncio.to_thread(DocumentEngine) as engine:
        yield engine


@asynccontextmanager
async def _without(url: str, command: bytes) -> AsyncIterator[str]:
    """The way to an engine by a line that breaks whenever this command passes."""
    there = urlsplit(url)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await source.read(65536)) and command not in data:
                sink.write(data)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(copy(reader, questions), copy(answers, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def _store(url: str) -> MongoDocStore:
    return MongoDocStore(url, database="deskbus_outage", timeout_seconds=1.0, ready_timeout_seconds=20.0)


@pytest.mark.engines
@pytest.mark.faults
async def test_killed_and_back(engine: DocumentEngine) -> None:
    """A dead engine is `StoreUnavailable`; when it is back the store goes on, and what was DONE is there (I3)."""
    store = _store(engine.url)
    letters = store.collection(LETTERS)
    promised: list[str] = []

    async def write(task: int) -> None:
        at = 0
        while True:
            (fate,) = await letters.insert_many([letter(f"{task}-{at}")])
            assert fate is Fate.DONE
            promised.append(f"{task}-{at}")
            at += 1

    async with running(store):
        writers = [asyncio.create_task(write(task)) for task in range(8)]
        await eventually(lambda: len(promised) >= 40)
        await asyncio.to_thread(engine.kill)
        ends = await asyncio.gather(*writers, return_exceptions=True)
        for attempt in (letters.get("a"), letters.count(Eq("account_id", "acme")), store.ping()):
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(attempt, timeout=5)
        await asyncio.to_thread(engine.start)
        await eventually(lambda: _is_well(store), seconds=10)
        found = await letters.get_many(promised)
        again = await letters.insert_many([letter("next life")])

    assert all(isinstance(end, StoreUnavailable) for end in ends)
    assert set(found) == set(promised)
    assert again == [Fate.DONE]


@pytest.mark.engines
@pytest.mark.faults
async def test_provisioning_ends(engine: DocumentEngine) -> None:
    """An engine that is there, and ends each connection on which it is to provision, is `StoreUnavailable` soon."""
    async with _without(engine.url, b"listCollections") as url:
        store = _store(url)
        store.collection(LETTERS)
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(store.provision(), timeout=30)


@pytest.mark.engines
@pytest.mark.faults
async def test_hanging(engine: DocumentEngine) -> None:
    """Nobody waits for an engine that hangs longer than the timeout, not even a stop."""
    store = _store(engine.url)
    letters = store.collection(LETTERS)
    await store.provision()
    await store.start()
    await letters.insert_many([letter("a")])
    await asyncio.to_thread(engine.suspend)
    began = time.monotonic()
    (one,) = [letter("a").model_copy(update={"rev": 1})]
    answers = await asyncio.gather(
        letters.get("a"),
        letters.insert_many([letter("b")]),
        letters.replace_many([one]),
        letters.delete_many([one]),
        store.ping(),
        return_exceptions=True,
    )
    await store.stop()
    waited = time.monotonic() - began
    await asyncio.to_thread(engine.resume)

    assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
    assert waited < 6


@pytest.mark.engines
@pytest.mark.faults
async def test_waits_for_an_engine_that_is_late(engine: DocumentEngine) -> None:
    """A store that is started before its engine waits for it, says so, and then runs."""
    store = _store(engine.url)
    letters = store.collection(LETTERS)
    await store.provision()
    await asyncio.to_thread(engine.kill)
    with capture_logs() as logs:
        start = asyncio.create_task(store.start())
        await eventually(lambda: any(line["event"] == "waiting_for_engine" for line in logs), seconds=15)
        await asyncio.to_thread(engine.start)
        await start
    fates = await letters.insert_many([letter("a")])
    kept = await stored(letters, ["a"])
    await store.stop()

    assert fates == [Fate.DONE]
    assert kept[0].rev == 1


@pytest.mark.engines
async def test_wrong_credentials(mongo_url: str) -> None:
    """An engine that does not know the user is no outage to be waited out; the password is not repeated."""
    url = mongo_url.replace("mongodb://", "mongodb://nobody:a-secret@", 1)
    store = MongoDocStore(url, database="deskbus_refused", ready_timeout_seconds=30.0)
    store.collection(LETTERS)

    for attempt in (store.start(), store.provision()):
        with pytest.raises(Refused, match="MongoDB does not let us in") as raised:
            await asyncio.wait_for(attempt, timeout=10)
        assert "secret" not in str(raised.value)


# PyMongo leaves a socket open when a client is closed while it still connects.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_gives_up_on_an_engine_that_is_away() -> None:
    """A start ends with `StoreUnavailable` when its patience does, and the store stays closed."""
    store = MongoDocStore(NOWHERE, database="deskbus_away", timeout_seconds=0.2, ready_timeout_seconds=0.3)
    letters = store.collection(LETTERS)

    for attempt in (store.start(), store.provision()):
        with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.3 s"):
            await asyncio.wait_for(attempt, timeout=5)
    with pytest.raises(StoreUnavailable, match="not running"):
        await letters.get("a")
    gc.collect()  # here, where they are forgiven: the driver leaves sockets that never connected


@pytest.mark.parametrize(
    "url", ["mongodb://me:a-secret@", "mongodb://h:99999/", "mongodb://h/?tls=perhaps", "http://h"]
)
async def test_urls_that_are_none(url: str) -> None:
    """A URL that cannot be used is refused at once, in one sentence without the password in it."""
    store = MongoDocStore(url, database="deskbus_none")

    with pytest.raises(Refused, match="the store URL is no MongoDB URL") as raised:
        await store.start()
    assert "secret" not in str(raised.value)


async def _is_well(store: MongoDocStore) -> bool:
    try:
        await store.ping()
    except StoreUnavailable:
        return False
    return True
