"""The bus of a system on Valkey: its streams."""

import json
from typing import Any

from redis import Redis

from end_to_end.bus import Bus


class ValkeyStreams(Bus):
    """Streams at a URL."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url)

    def close(self) -> None:
        """Disconnect."""
        self._redis.close()

    def put(self, topic: str, key: str, value: bytes, **headers: str) -> None:
        """Append a record."""
        fields: dict[Any, Any] = {"key": key, "value": value, "headers": json.dumps(headers)}
        self._redis.xadd(topic, fields)

    def dead_letters(self, topic: str, group: str) -> list[dict[str, Any]]:
        """What lies on the dead-letter stream."""
        entries: Any = self._redis.xrange(f"{topic}-{group}-dlq")
        return [
            {
                "key": fields[b"key"].decode(),
                "value": fields[b"value"],
                "headers": json.loads(fields[b"headers"]),
            }
            for _, fields in entries
        ]

    def is_read(self, topic: str, group: str) -> bool:
        """Whether nothing is unread or unacknowledged."""
        groups: Any = self._redis.xinfo_groups(topic)
        (state,) = [one for one in groups if one["name"].decode() == group]
        return bool(state["lag"] == 0 and state["pending"] == 0)
