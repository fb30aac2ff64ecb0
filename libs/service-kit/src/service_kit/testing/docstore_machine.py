"""Random lives of a collection, compared step by step with the oracle.

Subclass `DocStoreMachine`, provide `new_harness`, and let pytest find the subclass's `TestCase`.
"""
# ruff: noqa: S101 - a contract speaks in asserts

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta, timezone
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from service_kit.docstore import All, AnyOf, Cmp, Collection, DocStore, Eq, Filter, Has, In, Match, Ne, Sort
from service_kit.testing.docstore_harness import LETTERS, NOON, DocStoreHarness, Letter, Person, State, letter
from service_kit.testing.docstore_oracle import LetterOracle

T = TypeVar("T")

_IDS = st.sampled_from("abcdefgh")
_ACCOUNTS = st.sampled_from(["acme", "other"])
_LABELS = st.sampled_from(["red", "big", "re"])
_TEXTS = st.lists(st.sampled_from(["ab", "abc", "b", "bcd", "c"]), max_size=3).map(" ".join)
_PREFIXES = st.lists(st.sampled_from(["a", "ab", "abcd", "b", "bc"]), max_size=2).map(" ".join)
_MOMENTS = st.builds(
    lambda microseconds, hours: (NOON + timedelta(microseconds=microseconds)).astimezone(
        timezone(timedelta(hours=hours))
    ),
    st.integers(-2, 2),
    st.sampled_from([-8, 0, 2]),
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": _IDS,
    "account_id": _ACCOUNTS,
    "number": st.integers(-1, 2),
    "state": st.sampled_from(State),
    "urgent": st.booleans(),
    "weight": st.sampled_from([-1.5, 0.0, 1.0, 2.0]),
    "written_at": _MOMENTS,
    "due_at": _MOMENTS,
    "reader.id": _IDS,
    "reader.town": st.sampled_from(["Oslo", "Ost"]),
}
_FIELDS = st.sampled_from(sorted(_VALUES))
_SORTS = st.builds(Sort, st.sampled_from(["id", "weight", "written_at", "state"]), st.booleans())

_LETTERS = st.builds(
    letter,
    _IDS,
    account_id=_ACCOUNTS,
    number=st.none() | _VALUES["number"],
    state=_VALUES["state"],
    urgent=st.booleans(),
    weight=_VALUES["weight"],
    written_at=_MOMENTS,
    due_at=st.none() | _MOMENTS,
    reader=st.none() | st.builds(Person, id=_IDS, town=st.none() | _VALUES["reader.town"]),
    labels=st.lists(_LABELS, max_size=3),
    text=_TEXTS,
)

_LEAVES: st.SearchStrategy[Filter] = st.one_of(
    _FIELDS.flatmap(lambda field: st.builds(Eq, st.just(field), st.none() | _VALUES[field])),
    _FIELDS.flatmap(lambda field: st.builds(Ne, st.just(field), st.none() | _VALUES[field])),
    _FIELDS.flatmap(lambda field: st.builds(In, st.just(field), st.lists(st.none() | _VALUES[field], max_size=3))),
    _FIELDS.flatmap(
        lambda field: st.builds(Cmp, st.just(field), st.sampled_from(["<", "<=", ">", ">="]), _VALUES[field])
    ),
    st.builds(Has, st.just("labels"), st.lists(_LABELS, max_size=2)),
    st.builds(Match, _PREFIXES),
)
_ANY: st.SearchStrategy[Filter] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3).flatmap(lambda parts: st.sampled_from([All(*parts), AnyOf(*parts)])),
    max_leaves=6,
)
_LEADS: st.SearchStrategy[Filter] = st.one_of(
    st.just(Cmp("id", ">=", "")),
    st.builds(Eq, st.just("account_id"), _ACCOUNTS),
    st.builds(Has, st.just("labels"), st.lists(_LABELS, max_size=2)),
    st.builds(Eq, st.just("reader.id"), st.none() | _IDS),
)
_LED: st.SearchStrategy[Filter] = st.one_of(
    _LEADS,
    st.builds(All, _LEADS, _LEAVES),
    st.builds(lambda lead, rest: All(rest, lead), _LEADS, _ANY),
)
_FILTERS: st.SearchStrategy[Filter] = _LED | st.lists(_LED, max_size=3).map(lambda parts: AnyOf(*parts))
_QUERIES = st.lists(st.tuples(_FILTERS, _SORTS), min_size=2, max_size=5)


class DocStoreMachine(RuleBasedStateMachine):
    """One collection of letters, and what the oracle says of it."""

    new_harness: Callable[[], DocStoreHarness]
    """Makes an engine that holds nothing; the subclass's part."""

    @initialize(first=st.lists(_LETTERS, min_size=4, max_size=8))
    def begin(self, first: list[Letter]) -> None:
        """Start a store with some letters."""
        self.runner = asyncio.Runner()
        self.harness = self.new_harness()
        self.oracle = LetterOracle()
        self._open()
        self.insert(first)

    def teardown(self) -> None:
        """Close what is open."""
        self._run(self.store.stop())
        self.runner.close()

    @rule(batch=st.lists(_LETTERS, min_size=1, max_size=6))
    def insert(self, batch: list[Letter]) -> None:
        """Every fate is the one that the oracle says, document after document."""
        expected = [self.oracle.insert(one) for one in batch]

        assert self._run(self.letters.insert_many(batch)) == expected

    @rule(batch=st.lists(st.tuples(_LETTERS, st.sampled_from([0, 0, 0, 1, -1])), min_size=1, max_size=6))
    def replace(self, batch: list[tuple[Letter, int]]) -> None:
        """Replaces of the stored `rev` and of those beside it."""
        aimed = [self._aimed(one, off) for one, off in batch]
        expected = [self.oracle.replace(one) for one in aimed]

        assert self._run(self.letters.replace_many(aimed)) == expected

    @rule(batch=st.lists(st.tuples(_LETTERS, st.sampled_from([0, 1])), min_size=1, max_size=2))
    def delete(self, batch: list[tuple[Letter, int]]) -> None:
        """Deletes of the stored `rev` and of the one after."""
        aimed = [self._aimed(one, off) for one, off in batch]
        expected = [self.oracle.delete(one) for one in aimed]

        assert self._run(self.letters.delete_many(aimed)) == expected

    @rule(ids=st.lists(_IDS))
    def get(self, ids: list[str]) -> None:
        """What is read is what was written."""
        expected = {one: self.oracle.letters[one] for one in ids if one in self.oracle.letters}

        assert self._run(self.letters.get_many(ids)) == expected

    @rule(queries=_QUERIES, limit=st.integers(1, 4))
    def find(self, queries: list[tuple[Filter, Sort]], limit: int) -> None:
        """The pages of any query are all its matches, in order."""
        for where, sort in queries:
            expected = self.oracle.find(where, sort)

            assert self._run(self._pages(where, sort, limit)) == expected

    @rule(queries=_QUERIES, at_most=st.integers(0, 9))
    def count(self, queries: list[tuple[Filter, Sort]], at_most: int) -> None:
        """Counting agrees with finding."""
        for where, sort in queries:
            expected = min(at_most, len(self.oracle.find(where, sort)))

            assert self._run(self.letters.count(where, at_most=at_most)) == expected

    @rule()
    def restart(self) -> None:
        """A new life of the store finds everything where it was."""
        self._run(self.store.stop())
        self._open()

    def _open(self) -> None:
        self.store: DocStore = self.harness.store()
        self.letters: Collection[Letter] = self.store.collection(LETTERS)
        self._run(self.store.provision())
        self._run(self.store.start())

    def _aimed(self, one: Letter, off: int) -> Letter:
        stored = self.oracle.letters.get(one.id)
        return one.model_copy(update={"rev": (stored.rev if stored else 0) + off})

    async def _pages(self, where: Filter, sort: Sort, limit: int) -> Sequence[Letter]:
        page = await self.letters.find(where, sort=sort, limit=limit)
        items = [*page.items]
        while page.next_cursor is not None and len(items) <= len(self.oracle.letters):
            page = await self.letters.find(where, sort=sort, limit=limit, cursor=page.next_cursor)
            items += page.items
        return items

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)
