"""Page cursors: where a page ended, in the terms of the sort that made it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, NoReturn

from service_kit.docstore.port import InvalidCursorError, Sort
from service_kit.docstore.scalars import Stored

_MAX_CHARACTERS = 16_384
_MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Position:
    """The last document of a page: its value of the sort field, and its id for ties."""

    value: Stored
    id: str


def write_cursor(sort: Sort, position: Position) -> str:
    """An opaque text that only a page with the same sort takes back."""
    content = [sort.field, sort.descending, position.value, position.id]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(sort: Sort, cursor: str) -> Position:
    """Where the page goes on.

    Raises:
        InvalidCursorError: it was not made by `write_cursor` for this sort.
    """
    if len(cursor) > _MAX_CHARACTERS:
        raise InvalidCursorError("the cursor is too long")
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        content = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidCursorError("the cursor cannot be read") from error
    if not _is_position(content) or content[:2] != [sort.field, sort.descending]:
        raise InvalidCursorError("the cursor belongs to another query")
    return Position(value=content[2], id=content[3])


def _is_position(content: Any) -> bool:
    match content:
        case [str(), bool(), str() | int() | float() as value, str() as document_id]:
            return _can_be_bound(value) and _can_be_bound(document_id)
        case _:
            return False


def _can_be_bound(value: str | float) -> bool:
    """Whether an engine takes it: no half of a surrogate pair, no integer beyond 64 bits."""
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, float) or -_MAX_INTEGER <= value <= _MAX_INTEGER


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a value of any document")
