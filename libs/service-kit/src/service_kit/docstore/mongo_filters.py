"""The filter language as MongoDB's conditions on records."""

import re
from collections.abc import Iterable
from typing import Any, assert_never

from service_kit.docstore.filters import All, AnyOf, Cmp, Eq, Filter, Has, In, Match, Ne
from service_kit.docstore.mongo_records import Content, Records
from service_kit.docstore.scalars import comparable
from service_kit.docstore.tokens import query_words

_OPERATORS = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


def condition(records: Records[Any], where: Filter) -> Content:  # noqa: PLR0911 - one for each form of the language
    """What is true for the records that `where` means."""
    match where:
        case Eq(field=field, value=value):
            return {records.path(field): comparable(value)}
        case Ne(field=field, value=value):
            return {records.path(field): {"$ne": comparable(value)}}
        case In(field=field, values=values):
            return {records.path(field): {"$in": [comparable(value) for value in values]}}
        case Cmp(field=field, op=op, value=value):
            stored = comparable(value)
            return _nothing() if stored is None else {records.path(field): {_OPERATORS[op]: stored}}
        case Has(field=field, values=values):
            return {records.list_path(field): {"$in": list(values)}}
        case Match(text=text):
            words = query_words(text)
            return joined("$and", [_holds_prefix(records, word) for word in words]) if words else _nothing()
        case All(parts=parts):
            return joined("$and", [condition(records, part) for part in parts])
        case AnyOf(parts=parts):
            return joined("$or", [condition(records, part) for part in parts]) if parts else _nothing()
        case _:
            assert_never(where)


def joined(operator: str, parts: Iterable[Content]) -> Content:
    """All `parts` in one; no part says nothing, so it is true of everything."""
    known = [part for part in parts if part or operator == "$or"]
    if len(known) > 1:
        return {operator: known}
    return known[0] if known else {}


def _nothing() -> Content:
    return {"_id": {"$in": []}}


def _holds_prefix(records: Records[Any], word: str) -> Content:
    """An anchored expression is a range of the index; a range in plain operators could be met by two tokens."""
    return {records.list_path(records.fields.spec.tokens or ""): {"$regex": f"^{re.escape(word)}"}}
