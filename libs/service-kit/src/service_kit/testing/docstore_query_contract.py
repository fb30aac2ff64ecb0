"""What `find` and `count` promise, whichever engine answers."""
# ruff: noqa: S101, PLR2004, D202 - a contract speaks in asserts, after a blank line, and in numbers

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import pytest_asyncio

from service_kit.docstore import (
    All,
    AnyOf,
    Cmp,
    Collection,
    Eq,
    Filter,
    Has,
    In,
    InvalidCursorError,
    Match,
    Ne,
    Page,
    Sort,
    UnindexedQueryError,
)
from service_kit.testing.docstore_harness import (
    LETTERS,
    NOON,
    DocStoreHarness,
    Letter,
    Person,
    State,
    found,
    letter,
    running,
    stored,
)

ACME = Eq("account_id", "acme")
EVERYTHING = Cmp("id", ">=", "")
_LISBON = timezone(timedelta(hours=1))

SIX = (
    letter("a", number=1, state=State.SENT, labels=["red", "big"], text="Grüße an José", due_at=NOON),
    letter("b", number=2, urgent=True, labels=["red"], reader=Person(id="ann", town="Oslo"), text="jose@example.com"),
    letter("c", number=-3, weight=2.5, reader=Person(id="bob"), due_at=NOON + timedelta(microseconds=1)),
    letter("d", state=State.SENT, weight=0.5, reader=Person(id="ann", town="Rome"), text="call +33 6 12 34 56 78"),
    letter("e", account_id="other", labels=["big"], written_at=NOON - timedelta(days=1), text="Josephine"),
    letter("f", account_id="other", urgent=True, reader=Person(id="cid", town="Oslo"), due_at=NOON - timedelta(days=1)),
)

EXPECTED: dict[str, tuple[Filter, str]] = {
    "eq text": (Eq("account_id", "other"), "ef"),
    "eq enum": (All(ACME, Eq("state", State.SENT)), "ad"),
    "eq enum by its value": (All(ACME, Eq("state", "sent")), "ad"),
    "eq integer": (All(ACME, Eq("number", -3)), "c"),
    "eq float": (All(ACME, Eq("weight", 2.5)), "c"),
    "eq whole float": (All(ACME, Eq("weight", 1)), "ab"),
    "eq true": (All(EVERYTHING, Eq("urgent", True)), "bf"),
    "eq false": (All(EVERYTHING, Eq("urgent", False)), "acde"),
    "eq moment": (Eq("due_at", NOON), "a"),
    "eq moment of another zone": (Eq("due_at", NOON.astimezone(_LISBON)), "a"),
    "eq nested": (Eq("reader.id", "ann"), "bd"),
    "eq none, field null": (Eq("due_at", None), "bde"),
    "eq none, parent null": (Eq("reader.id", None), "ae"),
    "eq none, child null": (Eq("reader.town", None), "ace"),
    "eq nothing": (Eq("account_id", "acm"), ""),
    "eq case": (Eq("account_id", "ACME"), ""),
    "eq id": (Eq("id", "a"), "a"),
    "ne": (All(EVERYTHING, Ne("reader.town", "Oslo")), "acde"),
    "ne none": (All(EVERYTHING, Ne("reader.town", None)), "bdf"),
    "ne id": (All(ACME, Ne("id", "a")), "bcd"),
    "in": (In("reader.town", ["Oslo", "Rome", "Oslo"]), "bdf"),
    "in with none": (In("reader.town", ["Rome", None]), "acde"),
    "in one": (In("id", ["c"]), "c"),
    "in nothing": (In("reader.town", []), ""),
    "cmp <": (All(ACME, Cmp("number", "<", 2)), "ac"),
    "cmp <=": (All(ACME, Cmp("number", "<=", 2)), "abc"),
    "cmp >": (All(ACME, Cmp("number", ">", 1)), "b"),
    "cmp >=": (All(ACME, Cmp("number", ">=", 1)), "ab"),
    "cmp leaves missing out": (Cmp("due_at", ">", datetime(1, 1, 1, tzinfo=UTC)), "acf"),
    "cmp instants, to the microsecond": (Cmp("due_at", ">", NOON.astimezone(_LISBON)), "c"),
    "cmp to nothing": (All(ACME, Cmp("number", "<=", None)), ""),
    "cmp text": (Cmp("reader.town", ">", "Oslo"), "d"),
    "cmp range": (All(ACME, Cmp("weight", ">", 0.5), Cmp("weight", "<", 2.5)), "ab"),
    "has": (Has("labels", ["red"]), "ab"),
    "has any": (Has("labels", ["big", "red", "green"]), "abe"),
    "has of an account": (All(ACME, Has("labels", ["big"])), "a"),
    "has both": (All(Has("labels", ["red"]), Has("labels", ["big"])), "a"),
    "has nothing": (Has("labels", []), ""),
    "has no prefix": (Has("labels", ["re"]), ""),
    "match": (Match("jose"), "abe"),
    "match with accent and case": (Match("JOSÉ"), "abe"),
    "match prefix": (Match("gru"), "a"),
    "match every word": (Match("grusse jos"), "a"),
    "match not every word": (Match("grusse oslo"), ""),
    "match address": (Match("jose@example.com"), "b"),
    "match part of an address": (Match("jose@exam"), "b"),
    "match number": (Match("+33612345678"), "d"),
    "match national number": (Match("06 12 34 56 78"), "d"),
    "match no words": (Match(" !? "), ""),
    "match of an account": (All(Eq("account_id", "other"), Match("jose")), "e"),
    "all of nothing more": (All(ACME, All()), "abcd"),
    "nested all": (All(All(ACME, All(Eq("state", "sent"))), Ne("number", 1)), "d"),
    "any of": (AnyOf(Eq("reader.id", "bob"), Has("labels", ["big"])), "ace"),
    "any of overlapping": (AnyOf(Has("labels", ["red"]), Has("labels", ["big"]), Match("jose")), "abe"),
    "any of nothing": (AnyOf(), ""),
    "any of nothing beside": (All(ACME, AnyOf()), ""),
    "any of within": (All(ACME, AnyOf(Eq("number", 1), Match("call"), Eq("reader.town", "Oslo"))), "abd"),
    "any of in any of": (AnyOf(Eq("id", "a"), AnyOf(Eq("id", "b"), All(ACME, Eq("number", -3)))), "abc"),
}

REFUSED: dict[str, tuple[Filter, Sort | None]] = {
    "everything": (All(), None),
    "not an index's first field": (Eq("number", 1), None),
    "only by difference": (Ne("account_id", "acme"), None),
    "a field of no index": (All(ACME, Eq("text", "x")), None),
    "one branch not led": (AnyOf(ACME, Eq("number", 1)), None),
    "a list as a scalar": (All(ACME, Eq("labels", "x")), None),
    "a scalar as a list": (All(ACME, Has("state", ["sent"])), None),
    "sort by a field of no index": (ACME, Sort("text")),
    "sort by a list": (ACME, Sort("labels")),
    "sort by what may be null": (ACME, Sort("due_at")),
}


class QueryContract:
    """Filters mean the same everywhere; pages are stable; nothing is asked without an index."""

    @pytest_asyncio.fixture
    async def six(self, harness: DocStoreHarness) -> AsyncIterator[Collection[Letter]]:
        """A running store with six letters."""
        store = harness.store()
        collection = store.collection(LETTERS)
        async with running(store):
            await collection.insert_many(SIX)
            yield collection

    @pytest.mark.parametrize("name", EXPECTED)
    async def test_filter(self, six: Collection[Letter], name: str) -> None:
        """Each form of the language finds exactly its documents, by id, and counts them."""
        where, expected = EXPECTED[name]

        assert "".join(await found(six, where)) == expected
        assert await six.count(where) == len(expected)

    @pytest.mark.parametrize("name", REFUSED)
    async def test_refuses_without_index(self, six: Collection[Letter], name: str) -> None:
        """A filter or sort that no declared index leads is refused, however few the documents."""
        where, sort = REFUSED[name]

        with pytest.raises(UnindexedQueryError):
            await six.find(where, sort=sort)

    async def test_follows_writes(self, six: Collection[Letter]) -> None:
        """Filters see each document as it is now: every index follows replaces and deletes."""
        a, b = await stored(six, ["a", "b"])
        changed = {"labels": ["big", "new"], "words": ["later"], "due_at": None, "state": State.READ, "weight": 9.0}
        await six.replace_many([a.model_copy(update=changed)])
        await six.delete_many([b])

        assert await found(six, Has("labels", ["red"])) == []
        assert await found(six, Has("labels", ["new"])) == ["a"]
        assert await found(six, Has("labels", ["big"])) == ["a", "e"]
        assert await found(six, Match("jos")) == ["e"]
        assert await found(six, Match("late")) == ["a"]
        assert await found(six, Eq("due_at", NOON)) == []
        assert await found(six, All(ACME, Eq("state", "read"))) == ["a"]
        assert await found(six, All(ACME, Eq("weight", 9.0))) == ["a"]

    async def test_deleted_ones_leave_no_trace(self, six: Collection[Letter]) -> None:
        """What takes the place of the newest document is not found by what that one said."""
        await six.insert_many([letter("g", labels=["gone"], text="gone")])
        await six.delete_many(await stored(six, ["g"]))
        await six.insert_many([letter("h", text="gone too")])

        assert await found(six, Has("labels", ["gone"])) == []
        assert await found(six, Match("gone")) == ["h"]

    async def test_sort(self, six: Collection[Letter]) -> None:
        """Both directions, ties broken by id in the same direction; a nullable field sorts when it is bound."""
        due = Cmp("due_at", "<=", NOON + timedelta(days=9))

        assert await found(six, ACME, Sort("weight")) == ["d", "a", "b", "c"]
        assert await found(six, ACME, Sort("weight", descending=True)) == ["c", "b", "a", "d"]
        assert await found(six, EVERYTHING, Sort("written_at")) == ["e", "a", "b", "c", "d", "f"]
        assert await found(six, ACME, Sort("id", descending=True)) == ["d", "c", "b", "a"]
        assert await found(six, due, Sort("due_at")) == ["f", "a", "c"]

    @pytest.mark.parametrize(
        "sort", [None, Sort("id", descending=True), Sort("weight"), Sort("weight", descending=True)]
    )
    async def test_pages(self, harness: DocStoreHarness, sort: Sort | None) -> None:
        """Pages of any size hold every match once, in order, whatever the ties; the last one has no cursor."""
        store = harness.store()
        letters = store.collection(LETTERS)
        async with running(store):
            await letters.insert_many([letter(f"l{at:03}", weight=float(at % 7)) for at in range(100)])
            whole = [one.id for one in (await letters.find(ACME, sort=sort, limit=1000)).items]
            for limit in (1, 9, 50, 100):
                assert await _paged(letters, sort, limit) == whole

        assert len(set(whole)) == 100

    async def test_pages_under_inserts(self, harness: DocStoreHarness) -> None:
        """Documents that come or go between two pages move no other one into or out of the rest."""
        store = harness.store()
        letters = store.collection(LETTERS)
        newest = Sort("written_at", descending=True)
        async with running(store):
            await letters.insert_many([_at(f"l{at:02}", at) for at in range(20)])
            first = await letters.find(ACME, sort=newest, limit=5)
            await letters.insert_many([_at("newer", 50), _at("tie", 15), _at("older", -1)])
            await letters.delete_many(first.items[-1:])
            rest = await letters.find(ACME, sort=newest, limit=50, cursor=first.next_cursor)

        assert [one.id for one in first.items] == ["l19", "l18", "l17", "l16", "l15"]
        assert [one.id for one in rest.items] == [f"l{at:02}" for at in range(14, -1, -1)] + ["older"]

    async def test_foreign_cursors(self, six: Collection[Letter]) -> None:
        """A cursor of another sort, or one that nobody made, is refused."""
        page = await six.find(ACME, sort=Sort("weight"), limit=1)

        for cursor in (page.next_cursor, "", "x", "bnVsbA", "W10", "é", "A" * 100_000):
            with pytest.raises(InvalidCursorError):
                await six.find(ACME, sort=Sort("weight", descending=True), cursor=cursor)

    async def test_limits(self, six: Collection[Letter]) -> None:
        """A page holds 1 to 1,000 documents, and a filter 10,000 values: more is a mistake and not served."""
        many = [f"x{number}" for number in range(9_990)]

        assert await six.find(ACME, limit=1000) == Page(await stored(six, "abcd"))
        assert await found(six, In("id", [*many, "a"])) == ["a"]
        assert await found(six, All(Has("labels", [*many, "red"]))) == ["a", "b"]
        for limit in (0, 1001):
            with pytest.raises(ValueError, match="1 to 1000"):
                await six.find(ACME, limit=limit)
        with pytest.raises(ValueError, match="at most"):
            await six.count(In("id", many * 2))

    async def test_count_at_most(self, six: Collection[Letter]) -> None:
        """Counting stops where it is told to."""

        assert await six.count(EVERYTHING) == 6
        assert [await six.count(EVERYTHING, at_most=most) for most in (0, 1, 5, 6, 7)] == [0, 1, 5, 6, 6]


def _at(letter_id: str, minutes: int) -> Letter:
    return letter(letter_id, written_at=NOON + timedelta(minutes=minutes))


async def _paged(letters: Collection[Letter], sort: Sort | None, limit: int) -> list[str]:
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await letters.find(ACME, sort=sort, limit=limit, cursor=cursor)
        ids += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return ids
