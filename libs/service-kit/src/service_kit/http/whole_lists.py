"""Pages of a list that is read whole, because an account has so few of its things, in an order of its own."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

from service_kit.docstore import InvalidCursorError, Sort
from service_kit.docstore.cursor import Position, read_cursor, write_cursor

T = TypeVar("T")

WholeLimit = Annotated[int, Query(ge=1, le=200, description="How many items at most; by default as many as fit.")]
WHOLE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Cut(Generic[T]):
    """A page; `next_cursor` is None when nothing follows."""

    items: Sequence[T]
    next_cursor: str | None = None


def page_of(
    items: Iterable[T], place: Callable[[T], tuple[str, str]], *, order: str, limit: int, cursor: str | None
) -> Cut[T]:
    """A page in the order of `place`: what the list is sorted by, and an id for ties.

    The cursor says where a page ended, not how many were before it: what is added or removed meanwhile shifts nothing.
    `order` names the list, so that a cursor of another one is refused.

    Raises:
        InvalidCursorError: the cursor was not handed out by this list.
    """
    sort = Sort(order)
    following = sorted(items, key=place)
    if cursor is not None:
        last = read_cursor(sort, cursor)
        if not isinstance(last.value, str):
            raise InvalidCursorError("the cursor belongs to another query")
        following = [item for item in following if place(item) > (last.value, last.id)]
    page = following[:limit]
    if len(following) <= limit:
        return Cut(page)
    value, item_id = place(page[-1])
    return Cut(page, write_cursor(sort, Position(value=value, id=item_id)))
