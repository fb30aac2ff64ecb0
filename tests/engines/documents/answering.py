"""Whether a document engine can be written to."""

from pymongo import MongoClient
from pymongo.errors import PyMongoError

_PATIENCE_MS = 3000


def answers(port: int) -> bool:
    """Ask it; a member of a replica set that has no set yet is made the only member of one."""
    client: MongoClient[dict[str, object]] = MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        serverSelectionTimeoutMS=_PATIENCE_MS,
        connectTimeoutMS=_PATIENCE_MS,
        socketTimeoutMS=_PATIENCE_MS,
    )
    with client:
        try:
            said = client.admin.command("hello")
            if said.get("isreplicaset"):
                _found_set(client, port)
        except PyMongoError:
            return False
    return bool(said.get("isWritablePrimary"))


def _found_set(client: MongoClient[dict[str, object]], port: int) -> None:
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    client.admin.command("replSetInitiate", {"_id": "deskbus", "members": members})
