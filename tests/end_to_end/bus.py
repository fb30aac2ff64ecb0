"""The bus as another program on the machine sees it: streams of the embedded Valkey."""

import json
from types import TracebackType
from typing import Any, Self

from redis import Redis

from end_to_end.process import DeskbusProcess
from end_to_end.until import until


class Bus:
    """Writes records past every service, and looks at what became of them; a context manager."""

    def __init__(self, process: DeskbusProcess) -> None:
        self._redis = Redis.from_url((process.home / "engine.url").read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._redis.close()

    def put(self, topic: str, key: str, value: bytes, **headers: str) -> None:
        """Append a record; headers as CloudEvents' binary mode names them."""
        fields: dict[Any, Any] = {"key": key, "value": value, "headers": json.dumps(headers)}
        self._redis.xadd(topic, fields)

    def dead_letters(self, topic: str, group: str) -> list[dict[str, Any]]:
        """What was set aside: key, value, and headers that say why."""
        entries: Any = self._redis.xrange(f"{topic}-{group}-dlq")
        return [
            {
                "key": fields[b"key"].decode(),
                "value": fields[b"value"],
                "headers": json.loads(fields[b"headers"]),
            }
            for _, fields in entries
        ]

    def dead_letter(self, topic: str, group: str, key: str) -> dict[str, Any]:
        """The one dead letter of a key, once it is there."""
        (letter,) = until(lambda: [one for one in self.dead_letters(topic, group) if one["key"] == key])
        return letter

    def read_by(self, topic: str, group: str) -> None:
        """Returns when the group has handled everything on the topic."""
        until(lambda: self._is_read(topic, group))

    def _is_read(self, topic: str, group: str) -> bool:
        groups: Any = self._redis.xinfo_groups(topic)
        (state,) = [one for one in groups if one["name"].decode() == group]
        return bool(state["lag"] == 0 and state["pending"] == 0)
