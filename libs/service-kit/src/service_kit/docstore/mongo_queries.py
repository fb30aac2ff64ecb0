"""Reading documents of one collection."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Generic

from pymongo import ASCENDING, DESCENDING

from service_kit.docstore.cursor import Position, read_cursor, write_cursor
from service_kit.docstore.fields import ID
from service_kit.docstore.filters import Filter
from service_kit.docstore.mongo_connection import Database
from service_kit.docstore.mongo_filters import condition, joined
from service_kit.docstore.mongo_records import Content, Records
from service_kit.docstore.port import D, Page, Sort
from service_kit.docstore.scalars import Stored

_IDS_PER_COMMAND = 5_000
_DECODED_AT_ONCE = 100
"""So many are decoded before others on the event loop have their turn."""


class MongoQueries(Generic[D]):
    """The three reads of one collection."""

    def __init__(self, records: Records[D]) -> None:
        self._records = records

    async def get_many(self, database: Database, ids: Sequence[str]) -> dict[str, D]:
        """Those that exist, by id."""
        found: dict[str, D] = {}
        for start in range(0, len(ids), _IDS_PER_COMMAND):
            chunk = list(ids[start : start + _IDS_PER_COMMAND])
            wanted: Content = {"_id": chunk[0] if len(chunk) == 1 else {"$in": chunk}}
            cursor = database[self._records.collection].find(wanted, {"body": 1}, batch_size=len(chunk) + 1)
            stored = await cursor.to_list()
            found |= {one.id: one for one in await self._documents(stored)}
        return found

    async def find(self, database: Database, where: Filter, sort: Sort, limit: int, cursor: str | None) -> Page[D]:
        """One page."""
        path = self._records.path(sort.field)
        direction = DESCENDING if sort.descending else ASCENDING
        order = [(path, direction)] if sort.field == ID else [(path, direction), ("_id", direction)]
        parts = [condition(self._records, where)]
        if cursor is not None:
            parts += _after(path, sort, read_cursor(sort, cursor))
        found = database[self._records.collection].find(
            joined("$and", parts), {"body": 1, path: 1}, sort=order, limit=limit + 1, batch_size=limit + 1
        )
        stored = await found.to_list()
        items = await self._documents(stored[:limit])
        if len(stored) <= limit:
            return Page(items)
        last = stored[limit - 1]
        return Page(items, write_cursor(sort, Position(_value_at(last, path), last["_id"])))

    async def count(self, database: Database, where: Filter, at_most: int) -> int:
        """How many match, and no more than `at_most`."""
        if at_most == 0:
            return 0  # a limit of 0 is none for MongoDB
        collection = database[self._records.collection]
        return await collection.count_documents(condition(self._records, where), limit=at_most)

    async def _documents(self, stored: Sequence[Content]) -> list[D]:
        items: list[D] = []
        for start in range(0, len(stored), _DECODED_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            items += [self._records.document(one["body"]) for one in stored[start : start + _DECODED_AT_ONCE]]
        return items


def _after(path: str, sort: Sort, position: Position) -> Iterable[Content]:
    """What comes after a position. The first part says no more than the second, but it is a range of an index."""
    beyond = "$lt" if sort.descending else "$gt"
    if sort.field == ID:
        return [{"_id": {beyond: position.id}}]
    return [
        {path: {f"{beyond}e": position.value}},
        {"$or": [{path: {beyond: position.value}}, {"_id": {beyond: position.id}}]},
    ]


def _value_at(stored: Content, path: str) -> Stored:
    value = stored
    for name in path.split("."):
        value = value[name]
    return value  # type: ignore[return-value]
