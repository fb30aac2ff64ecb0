"""Which filters a declared index leads. The contract of the port holds more of these, through an engine."""

from typing import Any

import pytest

from service_kit.docstore import (
    All,
    AnyOf,
    Cmp,
    CollectionSpec,
    Document,
    Eq,
    Filter,
    Has,
    In,
    Index,
    Match,
    Ne,
    Sort,
    UnindexedQueryError,
)
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.planning import MAX_DEPTH, MAX_PARTS, MAX_VALUES, conjuncts, require_index


class Note(Document):
    """A document with a nullable field and a list."""

    account_id: str
    author: str
    due: int | None = None
    tags: tuple[str, ...] = ()


FIELDS = IndexedFields(
    CollectionSpec("notes", Note, indexes=(Index(("account_id", "author", "due")),), lists=frozenset({"tags"}))
)
ACME = Eq("account_id", "acme")


def _nested(depth: int) -> Filter:
    where: Filter = ACME
    for _ in range(depth - 1):
        where = All(where)
    return where


@pytest.mark.parametrize(
    "where",
    [
        ACME,
        Eq("account_id", None),
        In("account_id", ["a"]),
        Cmp("account_id", ">", "a"),
        Eq("id", "a"),
        In("id", []),
        Has("tags", ["x"]),
        All(Ne("due", 1), All(ACME)),
        All(AnyOf(Ne("due", 1), Eq("author", "x")), ACME),
        AnyOf(ACME, All(Eq("author", "x"), Has("tags", ["x"]))),
        AnyOf(),
    ],
    ids=str,
)
def test_led(where: Filter) -> None:
    """The first field of an index, the id or a list, bound in the top-level conjunction or in every branch."""
    require_index(FIELDS, where)


@pytest.mark.parametrize(
    "where",
    [
        All(),
        Ne("account_id", "a"),
        Eq("author", "x"),
        All(Eq("author", "x"), Cmp("due", ">", 1)),
        AnyOf(ACME, Eq("author", "x")),
        AnyOf(ACME, All()),
        All(AnyOf(ACME, Ne("due", 1))),
        Match("x"),
        All(ACME, Eq("rev", 1)),
        All(ACME, AnyOf(Eq("title", "x"))),
    ],
    ids=str,
)
def test_not_led(where: Filter) -> None:
    """Everything else is refused, and so is any field that is not declared, however deep."""
    with pytest.raises(UnindexedQueryError, match="notes"):
        require_index(FIELDS, where)


@pytest.mark.parametrize(
    "where",
    [Cmp("due", ">", 1), Eq("due", 1), Ne("due", None), In("due", [1, 2])],
    ids=str,
)
def test_sort_by_a_bound_field(where: Filter) -> None:
    """A nullable field sorts where the filter leaves its nulls out."""
    require_index(FIELDS, All(ACME, where), Sort("due"))


@pytest.mark.parametrize(
    "where",
    [All(), Eq("due", None), Ne("due", 1), In("due", [1, None]), AnyOf(Cmp("due", ">", 1), Eq("author", "x"))],
    ids=str,
)
def test_sort_by_a_nullable_field(where: Filter) -> None:
    """Where it does not, documents would be lost between two pages."""
    with pytest.raises(UnindexedQueryError, match="may be null"):
        require_index(FIELDS, All(ACME, where), Sort("due"))


@pytest.mark.parametrize(
    "where",
    [
        _nested(MAX_DEPTH + 1),
        AnyOf(*[ACME] * (MAX_PARTS + 1)),
        All(ACME, In("author", ["x"] * MAX_VALUES), Has("tags", ["x"])),
    ],
    ids=["deep", "parts", "values"],
)
def test_too_large(where: Filter) -> None:
    """A filter has limits of its own, whoever made it."""
    with pytest.raises(ValueError, match="at most"):
        require_index(FIELDS, where)


def test_as_large_as_can_be() -> None:
    """At the limits a filter still passes."""
    for where in (_nested(MAX_DEPTH), AnyOf(*[ACME] * MAX_PARTS), In("account_id", ["x"] * MAX_VALUES)):
        require_index(FIELDS, where)


def test_conjuncts() -> None:
    """Nested conjunctions are one; anything else is a part of it."""
    parts: tuple[Any, ...] = (ACME, Ne("due", 1), AnyOf(ACME))

    assert list(conjuncts(All(parts[0], All(All(), All(parts[1])), parts[2]))) == list(parts)
