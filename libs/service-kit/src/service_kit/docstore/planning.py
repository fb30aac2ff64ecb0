"""Whether a declared index leads a query.

Every engine asks before every query, so that a store that forgot an index fails in its first test
and not on its millionth document.
"""

from collections.abc import Iterator
from typing import Any, assert_never

from service_kit.docstore.fields import ID, IndexedFields
from service_kit.docstore.filters import All, AnyOf, Cmp, Eq, Filter, Has, In, Match, Ne
from service_kit.docstore.port import Sort, UnindexedQueryError

MAX_DEPTH = 16
MAX_PARTS = 200
MAX_VALUES = 10_000
"""Of all lists of values in one filter together; more would not fit one statement of every engine."""


def require_index(fields: IndexedFields[Any], where: Filter, sort: Sort | None = None) -> None:
    """Pass if a declared index leads `where`, and every field of `where` and `sort` is declared.

    A filter is led when one part of its top-level conjunction binds (by anything but `Ne`) the id, the first
    field of an index, a list or the tokens; an `AnyOf` binds when each of its parts does.

    Raises:
        UnindexedQueryError: it is not so; the text names the field.
        ValueError: the filter is too deep, or has too many parts or values.
    """
    _require_size(where)
    for part in _leaves(where):
        _require_declared(fields, part)
    if sort is not None:
        _require_sortable(fields, where, sort)
    if not _is_led(fields, where):
        # Fields only: values may be what a customer wrote, and this text may be logged.
        asked = sorted({getattr(part, "field", "the tokens") for part in _leaves(where)})
        raise UnindexedQueryError(f"{fields.spec.name}: no index leads a filter on {', '.join(asked) or 'nothing'}")


def conjuncts(where: Filter) -> Iterator[Filter]:
    """The parts that must all hold, with nested `All` flattened."""
    if isinstance(where, All):
        for part in where.parts:
            yield from conjuncts(part)
    else:
        yield where


def _require_size(where: Filter) -> None:
    if _depth(where) > MAX_DEPTH:
        raise ValueError(f"a filter is nested at most {MAX_DEPTH} deep")
    leaves = list(_leaves(where))
    if len(leaves) > MAX_PARTS:
        raise ValueError(f"a filter has at most {MAX_PARTS} parts")
    if sum(len(part.values) for part in leaves if isinstance(part, In | Has)) > MAX_VALUES:
        raise ValueError(f"a filter has at most {MAX_VALUES} values")


def _depth(where: Filter) -> int:
    return 1 + max(map(_depth, where.parts), default=0) if isinstance(where, All | AnyOf) else 1


def _leaves(where: Filter) -> Iterator[Filter]:
    if isinstance(where, All | AnyOf):
        for part in where.parts:
            yield from _leaves(part)
    else:
        yield where


def _require_declared(fields: IndexedFields[Any], part: Filter) -> None:
    match part:
        case Match():
            _require(fields.spec.tokens is not None, fields, "has no tokens for Match to search")
        case Has(field=field):
            _require(field in fields.lists, fields, f"{field!r} is not one of the lists that Has may ask")
        case Eq(field=field) | Ne(field=field) | In(field=field) | Cmp(field=field):
            _require(field == ID or field in fields.scalars, fields, f"{field!r} is in no index")
        case All() | AnyOf():
            pass
        case _:
            assert_never(part)


def _require_sortable(fields: IndexedFields[Any], where: Filter, sort: Sort) -> None:
    _require(sort.field == ID or sort.field in fields.scalars, fields, f"sort field {sort.field!r} is in no index")
    never_null = not fields.is_nullable(sort.field) or any(
        _excludes_null(part, sort.field) for part in conjuncts(where)
    )
    _require(never_null, fields, f"sort field {sort.field!r} may be null, and a page would lose such documents")


def _excludes_null(part: Filter, field: str) -> bool:
    match part:
        case Cmp():
            return part.field == field
        case Eq():
            return part.field == field and part.value is not None
        case Ne():
            return part.field == field and part.value is None
        case In():
            return part.field == field and None not in part.values
        case _:
            return False


def _is_led(fields: IndexedFields[Any], where: Filter) -> bool:
    match where:
        case All():
            return any(_is_led(fields, part) for part in where.parts)
        case AnyOf():
            return all(_is_led(fields, part) for part in where.parts)
        case Eq(field=field) | In(field=field) | Cmp(field=field):
            return field in fields.leading
        case Has() | Match():
            return True
        case Ne():
            return False
        case _:
            assert_never(where)


def _require(holds: bool, fields: IndexedFields[Any], why: str) -> None:  # noqa: FBT001 - an assertion with a text
    if not holds:
        raise UnindexedQueryError(f"{fields.spec.name}: {why}")
