"""Lists in pages: one shape and one pair of parameters for every collection."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

T = TypeVar("T")


class PageOf(BaseModel, Generic[T]):
    """Part of a list; `next_cursor` is opaque, and null when nothing follows."""

    items: list[T]
    next_cursor: str | None = None


Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before.")]
