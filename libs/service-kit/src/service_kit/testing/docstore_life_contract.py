"""What a store promises when it is started, stopped and started again, whichever engine it is."""
# ruff: noqa: S101, PLR2004 - a contract speaks in asserts and in numbers

import asyncio
from dataclasses import replace

import pytest

from service_kit.docstore import Eq, Fate, StoreUnavailable
from service_kit.testing.docstore_harness import (
    LETTERS,
    PLAIN_LETTERS,
    DocStoreHarness,
    Person,
    State,
    found,
    letter,
    running,
    stored,
)


class LifeContract:
    """Stores are started again, on what is stored already, and refuse work when they do not run."""

    async def test_stored_for_the_next_life(self, harness: DocStoreHarness) -> None:
        """What one life of the store was answered DONE, the next one finds, indexes included."""
        first, second = harness.store(), harness.store()
        written, read = first.collection(LETTERS), second.collection(LETTERS)
        async with running(first):
            await written.insert_many([letter("a", number=1, state=State.SENT)])
        async with running(second):
            again = await read.insert_many([letter("b", number=1)])
            ids = await found(read, Eq("account_id", "acme"))

        assert again == [Fate.CONFLICT]
        assert ids == ["a"]

    async def test_two_stores_at_once(self, harness: DocStoreHarness) -> None:
        """Two replicas on one store see each other's writes, and the slower one is STALE."""
        first, second = harness.store(), harness.store()
        mine, yours = first.collection(LETTERS), second.collection(LETTERS)
        async with running(first), running(second):
            await mine.insert_many([letter("a")])
            (seen,) = await stored(yours, ["a"])
            fates = await asyncio.gather(mine.replace_many([seen]), yours.replace_many([seen]))

        assert sorted(fate for (fate,) in fates) == [Fate.DONE, Fate.STALE]

    async def test_indexes_are_added_to_stored_documents(self, harness: DocStoreHarness) -> None:
        """An index declared after documents were stored finds them (lists, tokens and nested fields too)."""
        first, second = harness.store(), harness.store()
        before, after = first.collection(PLAIN_LETTERS), second.collection(LETTERS)
        async with running(first):
            await before.insert_many([letter("a", reader=Person(id="ann"), labels=["x"], text="hello"), letter("b")])
        async with running(second):
            by_reader = await found(after, Eq("reader.id", "ann"))
            others = await found(after, Eq("reader.id", None))
            kept = await stored(after, ["a", "b"])

        assert (by_reader, others) == (["a"], ["b"])
        assert [one.rev for one in kept] == [1, 1]

    async def test_provisioned_again(self, harness: DocStoreHarness) -> None:
        """Provisioning again, beside a store that runs and without a start, changes and disturbs nothing."""
        store, again = harness.store(), harness.store()
        letters = store.collection(LETTERS)
        again.collection(LETTERS)
        async with running(store):
            await letters.insert_many([letter("a", number=1)])
            writes = [asyncio.create_task(letters.insert_many([letter(f"l{at}")])) for at in range(5)]
            await again.provision()
            fates = await asyncio.gather(*writes)
            refused = await letters.insert_many([letter("b", number=1)])
            kept = await letters.count(Eq("account_id", "acme"))

        assert fates == [[Fate.DONE]] * 5
        assert (refused, kept) == ([Fate.CONFLICT], 6)

    async def test_another_collection(self, harness: DocStoreHarness) -> None:
        """Collections of one store know nothing of each other's documents."""
        store = harness.store()
        letters, drafts = store.collection(LETTERS), store.collection(replace(LETTERS, name="drafts"))
        async with running(store):
            fates = [
                *await letters.insert_many([letter("a", number=1)]),
                *await drafts.insert_many([letter("a", number=1)]),
            ]
            await drafts.delete_many(await stored(drafts, ["a"]))
            kept = await letters.get("a")

        assert fates == [Fate.DONE, Fate.DONE]
        assert kept is not None

    async def test_declared_before_the_start(self, harness: DocStoreHarness) -> None:
        """The same specification may be asked for again at any time; another under its name, or a late one, not."""
        store = harness.store()
        letters = store.collection(LETTERS)

        with pytest.raises(ValueError, match="letters"):
            store.collection(PLAIN_LETTERS)
        async with running(store):
            assert store.collection(LETTERS) is letters
            with pytest.raises(RuntimeError, match="before the store starts"):
                store.collection(replace(LETTERS, name="late"))

    async def test_refuses_when_it_does_not_run(self, harness: DocStoreHarness) -> None:
        """Before its start and after its stop all is answered `StoreUnavailable`, at once; it may start again."""
        store = harness.store()
        letters = store.collection(LETTERS)

        async def refused() -> None:
            for attempt in (letters.get("a"), letters.insert_many([letter("a")]), store.ping()):
                with pytest.raises(StoreUnavailable):
                    await asyncio.wait_for(attempt, timeout=1)

        await refused()
        async with running(store):
            await store.ping()
            await letters.insert_many([letter("a")])
        await refused()
        async with running(store):
            again = await letters.get("a")

        assert again is not None

    async def test_stop_finishes_what_was_asked(self, harness: DocStoreHarness) -> None:
        """Writes in flight when the store is stopped are finished and answered."""
        store, later = harness.store(), harness.store()
        letters, read = store.collection(LETTERS), later.collection(LETTERS)
        await store.provision()
        await store.start()
        writes = [asyncio.create_task(letters.insert_many([letter(f"l{at}")])) for at in range(50)]
        await asyncio.sleep(0)  # one turn of the loop: all have asked
        await store.stop()

        fates = await asyncio.gather(*writes)
        async with running(later):
            kept = await read.get_many([f"l{at}" for at in range(50)])

        assert fates == [[Fate.DONE]] * 50
        assert len(kept) == 50
