"""Reading a whole result, page after page, where it is known to be small."""

from typing import TypeVar

from service_kit.docstore.filters import Filter
from service_kit.docstore.port import Collection, Document

D = TypeVar("D", bound=Document)

_PAGE = 1_000


async def every(collection: Collection[D], where: Filter) -> list[D]:
    """All matches, by id."""
    found: list[D] = []
    cursor: str | None = None
    while True:
        page = await collection.find(where, limit=_PAGE, cursor=cursor)
        found.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return found
