"""A database is provisioned, checked at start, and brought up to what is declared now."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from secrets import token_hex

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from engines import wanting
from service_kit.docstore import CollectionSpec, Document, Eq, Fate, Has, Index, Match, StoreUnavailable
from service_kit.docstore.mongo import MongoDocStore
from service_kit.docstore.mongo_connection import Database
from service_kit.testing.docstore_harness import LETTERS, PLAIN_LETTERS, Letter, found, letter, running
from service_kit.testing.mongo_engines import tells_what_an_index_refused

pytestmark = pytest.mark.engines


class Strict(Document):
    """What letters would be if their text were a number."""

    text: int


@pytest_asyncio.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    """A database of this test's own, seen without the store."""
    async with AsyncMongoClient(mongo_url) as client:
        name = f"deskbus_schema_{token_hex(6)}"
        yield client[name]
        await client.drop_database(name)


def _store(mongo_url: str, database: Database, *specs: CollectionSpec[Letter]) -> MongoDocStore:
    store = MongoDocStore(mongo_url, database=database.name)
    for spec in specs:
        store.collection(spec)
    return store


async def _fates(store: MongoDocStore, spec: CollectionSpec[Letter], letters: Sequence[Letter]) -> Sequence[Fate]:
    collection = store.collection(spec)
    async with running(store):
        return await collection.insert_many(letters)


async def test_starts_only_when_provisioned(mongo_url: str, database: Database) -> None:
    """A store that finds no indexes does not make them: it says what to run, and works once that was done."""
    store = _store(mongo_url, database, LETTERS)

    with pytest.raises(StoreUnavailable, match=r"lacks 11 indexes \(letters by form\): run `deskbus init`"):
        await store.start()
    await store.provision()
    await store.start()
    await store.ping()
    await store.stop()


async def test_provisioning_twice_changes_nothing(mongo_url: str, database: Database) -> None:
    """The second time everything is there already, and nothing of it is touched."""
    store = _store(mongo_url, database, LETTERS)
    await store.provision()
    before = await database["letters"].index_information()
    await store.provision()

    assert await database["letters"].index_information() == before
    assert sorted(await database.list_collection_names()) == ["_pings", "letters"]


async def test_a_changed_declaration(mongo_url: str, database: Database) -> None:
    """What is declared no more is dropped after the new is made; an index that somebody else made stays."""
    await _store(mongo_url, database, PLAIN_LETTERS).provision()
    await database["letters"].create_index("body", name="theirs")
    before = set(await database["letters"].index_information())
    await _store(mongo_url, database, LETTERS).provision()
    now = set(await database["letters"].index_information())
    await _store(mongo_url, database, PLAIN_LETTERS).provision()

    assert len(now) == 1 + 1 + 11
    assert "theirs" in now
    assert set(await database["letters"].index_information()) == before


async def test_lists_and_tokens_of_stored_documents(mongo_url: str, database: Database) -> None:
    """Lists and tokens that are declared later find what was stored before, however much that is."""
    many = [letter(f"l{at:04}", labels=[f"x{at % 3}"], text=f"w{at}") for at in range(250)]
    await _fates(_store(mongo_url, database), PLAIN_LETTERS, many)
    store = _store(mongo_url, database)
    letters = store.collection(LETTERS)
    async with running(store):
        labelled = await letters.count(Has("labels", ["x1"]))
        worded = await found(letters, Match("w222"))

    assert labelled == 83
    assert worded == ["l0222"]


async def test_stragglers_of_an_older_release(mongo_url: str, database: Database) -> None:
    """What an older release writes meanwhile disturbs nobody, and is found after the next `deskbus init`."""
    old, new = _store(mongo_url, database), _store(mongo_url, database)
    before, after = old.collection(PLAIN_LETTERS), new.collection(LETTERS)
    async with running(old), running(new):
        fates = await before.insert_many([letter("a", number=1, labels=["x"]), letter("b", number=1, labels=["x"])])
        unseen = await found(after, Has("labels", ["x"]))
        await before.delete_many([letter("b").model_copy(update={"rev": 1})])
        await _store(mongo_url, database, LETTERS).provision()
        seen = await found(after, Has("labels", ["x"]))
        refused = await after.insert_many([letter("c", number=1)])

    assert fates == [Fate.DONE, Fate.DONE]
    assert (unseen, seen) == ([], ["a"])
    assert refused == [Fate.CONFLICT]


async def test_a_unique_index_is_dropped(mongo_url: str, database: Database) -> None:
    """A unique index that is not declared any more refuses nothing."""
    await _fates(_store(mongo_url, database), LETTERS, [letter("a", number=1)])
    without = replace(LETTERS, indexes=LETTERS.indexes[1:])

    assert await _fates(_store(mongo_url, database), without, [letter("b", number=1)]) == [Fate.DONE]


async def test_a_unique_index_comes_too_late(mongo_url: str, database: Database) -> None:
    """Where stored documents share what shall be unique now provisioning fails, and says which index."""
    if not tells_what_an_index_refused(mongo_url):
        pytest.skip(wanting.reason(wanting.MONGODB))
    await _fates(_store(mongo_url, database), PLAIN_LETTERS, [letter("a", number=1), letter("b", number=1)])
    store = _store(mongo_url, database, LETTERS)

    with pytest.raises(StoreUnavailable, match="letters unique account_id, number"):
        await store.provision()
    with pytest.raises(StoreUnavailable, match="run `deskbus init`"):
        await store.start()
    assert await _fates(_store(mongo_url, database), PLAIN_LETTERS, [letter("c", number=1)]) == [Fate.DONE]


async def test_documents_that_do_not_fit(mongo_url: str, database: Database) -> None:
    """Where a stored document does not fit its model any more the error names it, and does not quote it."""
    await _fates(_store(mongo_url, database), PLAIN_LETTERS, [letter("a", text="a secret")])
    store = MongoDocStore(mongo_url, database=database.name)
    store.collection(CollectionSpec("letters", Strict, indexes=(Index(("text",)),)))

    with pytest.raises(StoreUnavailable, match="document a does not fit") as raised:
        await store.provision()
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_what_is_stored(mongo_url: str, database: Database) -> None:
    """A record is the body with what is indexed of it beside: no field of the body is taken apart by the engine."""
    store = _store(mongo_url, database)
    letters = store.collection(LETTERS)
    async with running(store):
        await letters.insert_many([letter("a", number=1, labels=["y", "x", "y"]), letter("b")])
        (a,) = (await letters.get_many(["a"])).values()
        await letters.replace_many([a])
        page = await found(letters, Eq("id", "a"))
    first, second = await database["letters"].find().sort("_id").to_list()

    assert page == ["a"]
    assert set(first) == {"_id", "rev", "body", "form", "f", "l", "u", "writers"}
    assert (first["rev"], first["l"]["labels"]) == (2, ["x", "y"])
    assert first["u"] == {"account_id,number": '["acme",1]'}
    assert second["u"] == {}
