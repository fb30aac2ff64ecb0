"""Writing documents of one collection in bulk, and finding out what became of each.

A bulk answers with sums. An insert that failed is named in its errors; of replaces only the number is told. So each
replace notes a change id in a slot of its revision, and when the sum falls short the records are read once: whoever
wrote revision n stands in the slot of n, also if others have replaced the document since. Nothing of the kind can be
read of what is deleted, so deletes are commands of their own, many at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain
from secrets import token_hex
from typing import Any, Generic

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from service_kit.docstore.mongo_connection import Database
from service_kit.docstore.mongo_errors import DUPLICATE_KEY, as_ours
from service_kit.docstore.mongo_records import WRITER_SLOTS, Content, Record, Records, writer_slot
from service_kit.docstore.port import D, Fate, StoreUnavailable
from service_kit.docstore.waves import waves

_INSERTS_PER_COMMAND = 1_000
_REPLACES_PER_COMMAND = 40
"""FerretDB holds one of its hundred connections for each replace of a command, and waits for one more without end."""

_BYTES_PER_COMMAND = 8 * 1024 * 1024
_ENCODED_AT_ONCE = 50
"""So many are encoded before others on the event loop have their turn."""

_DELETES_AT_ONCE = 32


class MongoWrites(Generic[D]):
    """The three writes of one collection; each says what became of each document."""

    def __init__(self, records: Records[D]) -> None:
        self._records = records

    async def insert(self, database: Database, documents: Sequence[D]) -> list[Fate]:
        """DONE, EXISTS or CONFLICT of each."""
        fates: dict[int, Fate] = {}
        async for batch in _batches(await self._encoded(documents, is_new=True), _INSERTS_PER_COMMAND):
            fates |= await self._insert_batch(database, batch)
        return [fates[at] for at in range(len(documents))]

    async def replace(self, database: Database, documents: Sequence[D]) -> list[Fate]:
        """DONE, STALE or CONFLICT of each."""
        fates: dict[int, Fate] = {}
        async for batch in _batches(await self._encoded(documents, is_new=False), _REPLACES_PER_COMMAND):
            fates |= await self._replace_batch(database, batch)
        return [fates[at] for at in range(len(documents))]

    async def delete(self, database: Database, documents: Sequence[D]) -> list[Fate]:
        """DONE or STALE of each."""
        free = asyncio.Semaphore(_DELETES_AT_ONCE)
        fates: dict[int, Fate] = {}

        async def delete_one(at: int) -> None:
            async with free:
                fates[at] = await self._delete_one(database, documents[at])

        for wave in waves([[document.id] for document in documents]):
            ends = await asyncio.gather(*(delete_one(at) for at in wave), return_exceptions=True)
            for end in ends:
                if end is not None:
                    raise end
        return [fates[at] for at in range(len(documents))]

    async def _encoded(self, documents: Sequence[D], *, is_new: bool) -> list[Record]:
        """All records before any is written: an unfit document spoils its call and leaves nothing behind."""
        encoded: list[Record] = []
        for at, document in enumerate(documents):
            if at and at % _ENCODED_AT_ONCE == 0:
                await asyncio.sleep(0)
            encoded.append(self._records.record(document, 1 if is_new else document.rev + 1))
        return encoded

    async def _insert_batch(self, database: Database, batch: Mapping[int, Record]) -> dict[int, Fate]:
        inserts = [InsertOne({"_id": one.id, **one.content, "writers": {}}) for one in batch.values()]
        _, refused = await self._bulk(database, inserts)
        places = list(batch)
        fates = dict.fromkeys(places, Fate.DONE)
        unsure: list[int] = []
        for at, error in refused.items():
            if error.get("keyPattern") == {"_id": 1}:
                fates[places[at]] = Fate.EXISTS
            else:
                unsure.append(places[at])
        taken = await self._writers(database, [batch[place].id for place in unsure])
        return fates | {place: Fate.EXISTS if batch[place].id in taken else Fate.CONFLICT for place in unsure}

    async def _replace_batch(self, database: Database, batch: Mapping[int, Record]) -> dict[int, Fate]:
        change = token_hex(8)
        updates = [
            UpdateOne(
                {"_id": one.id, "rev": one.rev - 1},
                {"$set": {**one.content, f"writers.{writer_slot(one.rev)}": change}},
            )
            for one in batch.values()
        ]
        done, refused = await self._bulk(database, updates)
        places = list(batch)
        fates = {places[at]: Fate.CONFLICT for at in refused}
        left = [place for place in places if place not in fates]
        if done in {0, len(left)}:
            return fates | dict.fromkeys(left, Fate.DONE if done else Fate.STALE)
        writers = await self._writers(database, [batch[place].id for place in left])
        return fates | {place: fate_of_replace(batch[place], change, writers.get(batch[place].id)) for place in left}

    async def _delete_one(self, database: Database, document: D) -> Fate:
        result = await database[self._records.collection].delete_one({"_id": document.id, "rev": document.rev})
        return Fate.DONE if result.deleted_count else Fate.STALE

    async def _bulk(
        self, database: Database, operations: Sequence[InsertOne[Content] | UpdateOne]
    ) -> tuple[int, dict[int, Mapping[str, Any]]]:
        """How many documents were written, and the errors of those that a unique index refused, by position."""
        try:
            result = await database[self._records.collection].bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            refused = {one["index"]: one for one in error.details["writeErrors"]}
            if as_ours(error) is not None or any(one["code"] not in DUPLICATE_KEY for one in refused.values()):
                raise
            return error.details["nInserted"] + error.details["nMatched"], refused
        return result.inserted_count + result.matched_count, {}

    async def _writers(self, database: Database, asked: Sequence[str]) -> dict[str, Content]:
        """Who wrote the last revisions of the documents that exist."""
        if not asked:
            return {}
        cursor = database[self._records.collection].find(
            {"_id": {"$in": [*asked]}}, {"rev": 1, "writers": 1}, batch_size=len(asked) + 1
        )
        return {one["_id"]: one for one in await cursor.to_list()}


async def _batches(records: Sequence[Record], most: int) -> AsyncIterator[dict[int, Record]]:
    """Records by position, in commands of a size that any engine takes, and none beside one it must wait for."""
    claims = [chain([("_id", record.id)], record.claims) for record in records]
    for wave in waves(claims):
        batch: dict[int, Record] = {}
        size = 0
        for at in wave:
            if batch and (len(batch) == most or size + records[at].size > _BYTES_PER_COMMAND):
                yield batch
                batch, size = {}, 0
            batch[at] = records[at]
            size += records[at].size
        yield batch


def fate_of_replace(record: Record, change: str, stored: Content | None) -> Fate:
    """Of a replace whose command said only how many were DONE."""
    if stored is None or stored["rev"] < record.rev:
        return Fate.STALE
    if stored["rev"] - record.rev >= WRITER_SLOTS:
        raise StoreUnavailable(
            f"document {record.id} was replaced {WRITER_SLOTS} times meanwhile: by whom is not known"
        )
    return Fate.DONE if stored["writers"].get(writer_slot(record.rev)) == change else Fate.STALE
