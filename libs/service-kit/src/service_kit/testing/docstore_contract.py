"""The promises of the document-store port as tests. Every engine runs them: subclass, and provide `harness`.

The expectations are written down by hand, so that no engine can pass against itself. What this cannot show is
what happens when the engine itself dies: each engine's own tests do that.
"""
# ruff: noqa: S101, PLR2004, D202 - a contract speaks in asserts, after a blank line, and in numbers

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from service_kit.docstore import Collection, DocumentTooLarge, Eq, Fate, Index
from service_kit.testing.docstore_harness import (
    LETTERS,
    DocStoreHarness,
    Letter,
    Person,
    found,
    letter,
    running,
    stored,
)
from service_kit.testing.docstore_life_contract import LifeContract
from service_kit.testing.docstore_query_contract import QueryContract


class WriteContract:
    """Each document is written on its own, compared with what is stored, and its fate told."""

    @pytest_asyncio.fixture
    async def letters(self, harness: DocStoreHarness) -> AsyncIterator[Collection[Letter]]:
        """An empty collection in a running store."""
        store = harness.store()
        collection = store.collection(LETTERS)
        async with running(store):
            yield collection

    async def test_round_trip(self, letters: Collection[Letter]) -> None:
        """What is read is what was inserted, with `rev` 1."""
        written = letter("a", number=7, reader=Person(id="ann", town="Köln"), labels=["x", "x"], text="\0 ünï ✉")

        fates = await letters.insert_many([written])

        assert fates == [Fate.DONE]
        assert await letters.get("a") == written.model_copy(update={"rev": 1})
        assert await letters.get("b") is None

    async def test_get_many(self, letters: Collection[Letter]) -> None:
        """Those that exist are given by id, once each, however many are asked for."""
        await letters.insert_many([letter(f"l{number}") for number in range(1200)])

        asked = [f"l{number}" for number in range(0, 1400, 2)]
        answer = await letters.get_many([*asked, *asked])

        assert set(answer) == {f"l{number}" for number in range(0, 1200, 2)}
        assert all(one.id == key for key, one in answer.items())

    async def test_nothing_asked(self, letters: Collection[Letter]) -> None:
        """Empty calls are answered with nothing."""

        assert await letters.get_many([]) == {}
        assert await letters.insert_many([]) == []
        assert await letters.replace_many([]) == []
        assert await letters.delete_many([]) == []

    async def test_an_id_is_taken_once(self, letters: Collection[Letter]) -> None:
        """A taken id is EXISTS and changes nothing; a later document of the call sees an earlier one (I4)."""
        fates = await letters.insert_many([letter("a", text="first"), letter("b"), letter("a", text="second")])

        again = await letters.insert_many([letter("b", text="third"), letter("c")])

        assert fates == [Fate.DONE, Fate.DONE, Fate.EXISTS]
        assert again == [Fate.EXISTS, Fate.DONE]
        assert [one.text for one in await stored(letters, ["a", "b"])] == ["first", ""]

    async def test_unique_index_refuses_inserts(self, letters: Collection[Letter]) -> None:
        """A value that a unique index holds already is a CONFLICT, also within one call; the others are DONE."""
        fates = await letters.insert_many([letter("a", number=1), letter("b", number=1), letter("c", number=2)])

        assert fates == [Fate.DONE, Fate.CONFLICT, Fate.DONE]
        assert await letters.get("b") is None

    async def test_taken_id_goes_before_conflict(self, letters: Collection[Letter]) -> None:
        """A document whose id and unique value are both taken EXISTS: it is a redelivery, not a rival."""
        await letters.insert_many([letter("a", number=1)])

        assert await letters.insert_many([letter("a", number=1)]) == [Fate.EXISTS]

    async def test_unique_index_ignores_nulls(self, letters: Collection[Letter]) -> None:
        """Documents without a value in a unique index do not disturb each other."""

        assert await letters.insert_many([letter("a"), letter("b"), letter("c")]) == [Fate.DONE] * 3

    async def test_unique_index_tells_texts_apart(self, harness: DocStoreHarness) -> None:
        """Texts are compared as they are: case, accents, blanks and NUL included."""
        store = harness.store()
        letters = store.collection(replace(LETTERS, name="notes", indexes=(Index(("text",), unique=True),)))
        texts = ["a", "A", "á", "a ", "a\0", "a\0b"]

        async with running(store):
            fates = await letters.insert_many([letter(f"l{at}", text=text) for at, text in enumerate(texts)])
            answers = [await found(letters, Eq("text", text)) for text in texts]

        assert fates == [Fate.DONE] * len(texts)
        assert answers == [[f"l{at}"] for at in range(len(texts))]

    async def test_replace_is_compare_and_swap(self, letters: Collection[Letter]) -> None:
        """A replace is DONE on the stored `rev`, raises it, and is STALE on any other, or if nothing is stored."""
        await letters.insert_many([letter("a")])
        (first,) = await stored(letters, ["a"])
        second = first.model_copy(update={"text": "second"})

        fates = await letters.replace_many([second, first, letter("z")])
        unborn = await letters.replace_many([letter("a")])
        (now,) = await stored(letters, ["a"])

        assert fates == [Fate.DONE, Fate.STALE, Fate.STALE]
        assert unborn == [Fate.STALE]
        assert (now.rev, now.text) == (2, "second")

    async def test_replace_sees_earlier_ones(self, letters: Collection[Letter]) -> None:
        """Within one call a later replace builds on an earlier one of the same document."""
        await letters.insert_many([letter("a", labels=["x"])])
        (first,) = await stored(letters, ["a"])
        second = first.model_copy(update={"rev": 2, "labels": ["y"]})

        fates = await letters.replace_many([first.model_copy(update={"labels": ["w"]}), second])
        (now,) = await stored(letters, ["a"])

        assert fates == [Fate.DONE, Fate.DONE]
        assert (now.rev, now.labels) == (3, ["y"])

    async def test_replace_meets_a_unique_index(self, letters: Collection[Letter]) -> None:
        """A replace that takes another's unique value is a CONFLICT and changes nothing; a freed value can be taken."""
        await letters.insert_many([letter("a", number=1), letter("b", number=2), letter("c", number=3)])
        a, b, c = await stored(letters, ["a", "b", "c"])
        taking = [b.model_copy(update={"number": 1}), a.model_copy(update={"number": 9})]

        fates = await letters.replace_many([*taking, c.model_copy(update={"number": 1})])

        assert fates == [Fate.CONFLICT, Fate.DONE, Fate.DONE]
        assert await letters.get("b") == b

    async def test_delete_is_compare_and_swap(self, letters: Collection[Letter]) -> None:
        """A delete is DONE on the stored `rev` and STALE otherwise; what is gone frees its id and unique values."""
        await letters.insert_many([letter("a", number=1, labels=["x"], text="hello"), letter("b")])
        a, b = await stored(letters, ["a", "b"])

        fates = await letters.delete_many([a, a, b.model_copy(update={"rev": 5})])
        again = await letters.insert_many([letter("a", number=1)])

        assert fates == [Fate.DONE, Fate.STALE, Fate.STALE]
        assert again == [Fate.DONE]
        assert (await stored(letters, ["a"]))[0].labels == []

    async def test_a_refused_document_stops_nothing(self, letters: Collection[Letter]) -> None:
        """Five hundred documents of which every tenth is refused: the fates are in the order given."""
        await letters.insert_many([letter(f"l{number}") for number in range(0, 500, 10)])

        fates = await letters.insert_many([letter(f"l{number}") for number in range(500)])

        assert [fate is Fate.EXISTS for fate in fates] == [number % 10 == 0 for number in range(500)]
        assert set(fates) == {Fate.EXISTS, Fate.DONE}

    @pytest.mark.timeout(180)  # three thousand round trips and more, on a machine that may be busy
    async def test_many_writers_lose_no_update(self, letters: Collection[Letter]) -> None:
        """Twenty tasks that count in one document, reading again when they are stale, lose no step (A6)."""
        await letters.insert_many([letter("a", number=0)])

        async def count_up() -> None:
            for _ in range(15):
                fate = Fate.STALE
                while fate is Fate.STALE:
                    (one,) = await stored(letters, ["a"])
                    (fate,) = await letters.replace_many([one.model_copy(update={"number": (one.number or 0) + 1})])

        await asyncio.gather(*(count_up() for _ in range(20)))
        (now,) = await stored(letters, ["a"])

        assert now.number == 300
        assert now.rev == 301

    async def test_one_of_many_wins(self, letters: Collection[Letter]) -> None:
        """Of many who insert one id, or claim one unique value, at the same time, exactly one succeeds (I5)."""
        same_id = await asyncio.gather(*(letters.insert_many([letter("a", text=str(at))]) for at in range(30)))
        same_value = await asyncio.gather(*(letters.insert_many([letter(f"n{at}", number=1)]) for at in range(30)))

        assert sorted(fate for (fate,) in same_id) == [Fate.DONE] + [Fate.EXISTS] * 29
        assert sorted(fate for (fate,) in same_value) == [Fate.CONFLICT] * 29 + [Fate.DONE]

    async def test_cancelled_callers_disturb_nobody(self, letters: Collection[Letter]) -> None:
        """Cancelling some writers and readers leaves the others' answers, and later calls, whole."""
        doomed = [asyncio.create_task(letters.insert_many([letter(f"d{at}")])) for at in range(20)]
        doomed_reads = [asyncio.create_task(letters.get(f"d{at}")) for at in range(20)]
        kept = [asyncio.create_task(letters.insert_many([letter(f"k{at}")])) for at in range(20)]
        await asyncio.sleep(0)  # one turn of the loop: all have begun, none can have ended
        for task in (*doomed, *doomed_reads):
            task.cancel()

        fates = await asyncio.gather(*kept)
        await asyncio.gather(*doomed, *doomed_reads, return_exceptions=True)
        survivors = await letters.get_many([f"k{at}" for at in range(20)])

        assert fates == [[Fate.DONE]] * 20
        assert len(survivors) == 20
        assert all(task.cancelled() for task in doomed)

    async def test_an_unfit_document_spoils_only_its_call(self, letters: Collection[Letter]) -> None:
        """A document that no index can hold is refused with its call, and no writer beside it notices."""
        unfit = letter("u").model_copy(update={"labels": [5]})
        calls = [letters.insert_many([letter(f"k{at}")]) for at in range(5)]
        spoilt = letters.insert_many([letter("before"), unfit])

        fates = await asyncio.gather(*calls, spoilt, *[letters.insert_many([letter("z")])], return_exceptions=True)

        assert isinstance(fates.pop(5), TypeError)
        assert fates == [[Fate.DONE]] * 6
        assert await letters.get("before") is None

    async def test_a_document_that_no_engine_takes(self, letters: Collection[Letter]) -> None:
        """A document of twelve mebibytes is stored; a larger one is refused with its call, and for good."""
        large = "x" * (12 * 1024 * 1024 - 2_000)

        fates = await letters.insert_many([letter("a").model_copy(update={"text": large})])
        with pytest.raises(DocumentTooLarge, match="document c "):
            await letters.insert_many([letter("b"), letter("c").model_copy(update={"text": f"{large}{'y' * 2_000}"})])
        found = await letters.get_many(["a", "b", "c"])

        assert fates == [Fate.DONE]
        assert [(one.id, len(one.text)) for one in found.values()] == [("a", len(large))]


class DocStoreContract(WriteContract, QueryContract, LifeContract):
    """All of it."""
