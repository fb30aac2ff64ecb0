"""What an engine that only speaks MongoDB's protocol cannot show."""

from typing import Any

from pymongo import MongoClient

_PATIENCE_MS = 10_000


def updates_atomically(url: str) -> bool:
    """Whether an update compares and writes in one step, and tells of what a unique index refuses.

    FerretDB 1.24 reads, compares and writes one after the other, so two writers can both win; and it answers a
    refused update, or a refused unique index, with an internal error.
    """
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=_PATIENCE_MS) as client:
        return "ferretdbVersion" not in client.admin.command("buildInfo")
