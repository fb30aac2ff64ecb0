"""What the services' databases say is not finished, because no API tells of outboxes and timers."""

from collections.abc import AsyncIterator
from typing import Any

from pymongo import AsyncMongoClient

_UNFINISHED: dict[str, dict[str, Any]] = {
    "unpublished": {"f.outbox_since": {"$ne": None}},
    "waiting": {"f.is_waiting": True},
}
_TO_LEAVE = {"deliveries", "webhook_deliveries"}


async def unfinished_at(url: str) -> AsyncIterator[tuple[str, int]]:
    """What and how much, over all databases of ours."""
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(url) as client:
        for database in await client.list_database_names():
            if not database.startswith("deskbus_"):
                continue
            for collection in await client[database].list_collection_names():
                for what, condition in _conditions(collection).items():
                    if count := await client[database][collection].count_documents(condition):
                        one = await client[database][collection].find_one(condition, {"f.due_at": True})
                        yield f"{database}.{collection} {what}, such as {one}", count


def _conditions(collection: str) -> dict[str, dict[str, Any]]:
    return {**_UNFINISHED, **({"due": {"f.due_at": {"$ne": None}}} if collection in _TO_LEAVE else {})}
