"""One thread out of those of merged tickets: newest first by time, each ticket's messages in their order. Pure."""

import heapq
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from itertools import islice

from pydantic import TypeAdapter, ValidationError

from service_kit.docstore import InvalidCursorError
from tickets.ticket.model import Message

END = 2**53
"""A place behind every message."""

_Places = TypeAdapter(dict[str, int])
_MAX_CHARACTERS = 8_192


def newest(threads: Sequence[Sequence[Message]], limit: int) -> list[Message]:
    """The first `limit` of several threads, each given newest first."""
    return list(islice(heapq.merge(*threads, key=lambda message: message.created_at, reverse=True), limit))


def write_places(places: Mapping[str, int]) -> str:
    """A cursor: the place in each ticket's thread before which the next page begins.

    A ticket that is merged between two pages is not in it: its messages show when the thread is read anew.
    """
    return urlsafe_b64encode(json.dumps(places, separators=(",", ":")).encode()).decode().rstrip("=")


def read_places(cursor: str) -> Mapping[str, int]:
    """What `write_places` wrote.

    Raises:
        InvalidCursorError: it did not write this.
    """
    if len(cursor) > _MAX_CHARACTERS:
        raise InvalidCursorError("the cursor is too long")
    try:
        places = _Places.validate_json(
            urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)), strict=True
        )
    except (ValueError, ValidationError) as error:
        raise InvalidCursorError("the cursor cannot be read") from error
    if any(not 0 <= place <= END for place in places.values()):
        raise InvalidCursorError("the cursor belongs to another query")
    return places
