"""Making the collections and indexes that are declared, bringing stored records up to them, and checking both.

Nothing here needs the services to stand still: plain indexes are made before records are rewritten, unique ones after,
and those that are declared no more go last. A record written meanwhile by an older release is rewritten by the next
`deskbus init`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError, CollectionInvalid, OperationFailure

from service_kit.docstore.mongo_connection import Database
from service_kit.docstore.mongo_errors import DUPLICATE_KEY
from service_kit.docstore.mongo_records import INDEX_PREFIX, Content, RecordIndex, Records
from service_kit.docstore.port import StoreUnavailable

_BATCH = 40
_COLLECTION_EXISTS = 48
_PINGS = "_pings"
"""Begins with what no collection's name begins with."""

log = structlog.get_logger(__name__)


async def provision(database: Database, declared: Iterable[Records[Any]]) -> None:
    """Make the database fit what is declared; may be interrupted and done again at any point.

    Raises:
        StoreUnavailable: stored documents do not fit what is declared now; the text says which.
    """
    existing = set(await database.list_collection_names())
    if _PINGS not in existing:
        await _create(database, _PINGS)
    for records in declared:
        if records.collection not in existing:
            await _create(database, records.collection)
        await _provision_collection(database, records)


async def verify(database: Database, declared: Iterable[Records[Any]]) -> None:
    """Pass if every declared index is there.

    Raises:
        StoreUnavailable: the text says what is missing, and what to do.
    """
    for records in declared:
        present = await _index_names(database, records)
        missing = [index.says for index in records.indexes if index.name not in present]
        if missing:
            raise StoreUnavailable(
                f"database {database.name} lacks {len(missing)} indexes ({missing[0]}): run `deskbus init`"
            )


async def count_ping(database: Database) -> None:
    """A write of no consequence: proof that the engine takes writes."""
    await database[_PINGS].update_one({"_id": database.name}, {"$inc": {"count": 1}}, upsert=True)


async def _create(database: Database, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:
        return  # another `deskbus init` was faster
    except OperationFailure as error:
        if error.code != _COLLECTION_EXISTS:
            raise


async def _provision_collection(database: Database, records: Records[Any]) -> None:
    present = await _index_names(database, records)
    wanted = [index for index in records.indexes if index.name not in present]
    await _create_indexes(database, records, [index for index in wanted if not index.unique])
    rewritten = await _rewrite_all(database, records)
    await _create_indexes(database, records, [index for index in wanted if index.unique])
    obsolete = {name for name in present if name.startswith(INDEX_PREFIX)} - {index.name for index in records.indexes}
    for name in sorted(obsolete):
        await database[records.collection].drop_index(name)
    if wanted or obsolete or rewritten:
        log.info(
            "collection_provisioned",
            collection=records.collection,
            indexes_made=len(wanted),
            indexes_dropped=len(obsolete),
            documents_rewritten=rewritten,
        )


async def _index_names(database: Database, records: Records[Any]) -> set[str]:
    return set(await database[records.collection].index_information())


async def _create_indexes(database: Database, records: Records[Any], indexes: Sequence[RecordIndex]) -> None:
    for index in indexes:
        keys = [(key, ASCENDING) for key in index.keys]
        # Sparse: records without a value of the index (or of an older form) are not in it, and refuse nobody.
        options = {"unique": True, "sparse": True} if index.unique else {}
        try:
            await database[records.collection].create_indexes([IndexModel(keys, name=index.name, **options)])
        except OperationFailure as error:
            if error.code in DUPLICATE_KEY:
                raise _shared(index.says) from error
            raise


async def _rewrite_all(database: Database, records: Records[Any]) -> int:
    """Write what is indexed of every record of another form afresh; how many that were."""
    rewritten = 0
    last = ""
    while True:
        other_form: Content = {"_id": {"$gt": last}, "form": {"$ne": records.form}}
        found = (
            await database[records.collection]
            .find(other_form, {"body": 1, "rev": 1})
            .sort("_id")
            .limit(_BATCH)
            .to_list()
        )
        if not found:
            return rewritten
        last = found[-1]["_id"]
        updates = [
            UpdateOne({"_id": one["_id"], "rev": one["rev"]}, {"$set": _content_of(records, one)}) for one in found
        ]
        try:
            result = await database[records.collection].bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] in DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise _shared(f"{records.collection} unique") from error
            raise
        rewritten += result.matched_count


def _content_of(records: Records[Any], stored: Content) -> Content:
    try:
        return records.record(records.document(stored["body"]), stored["rev"]).content
    except (ValidationError, TypeError, ValueError) as error:
        # Not chained: the original's text quotes the document.
        raise StoreUnavailable(
            f"{records.collection}: document {stored['_id']} does not fit its model any more ({type(error).__name__})"
        ) from None


def _shared(says: str) -> StoreUnavailable:
    return StoreUnavailable(f"{says}: stored documents share what shall be unique now")
