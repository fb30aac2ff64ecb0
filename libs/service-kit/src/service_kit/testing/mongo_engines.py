"""What an engine that only speaks MongoDB's protocol cannot show."""

from typing import Any

from pymongo import MongoClient

_PATIENCE_MS = 10_000


def tells_what_an_index_refused(url: str) -> bool:
    """Whether an update, or a new index, that a unique index refuses is answered as a duplicate key.

    FerretDB 1.24 answers both with an internal error that could be anything.
    """
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=_PATIENCE_MS) as client:
        return "ferretdbVersion" not in client.admin.command("buildInfo")
