"""Server-sent events as an outsider reads them, over a connection of its own."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import httpx


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """One event."""

    name: str
    id: str | None
    data: Any


class EventStream:
    """An open stream: entered once the server has answered and said from where it goes on."""

    def __init__(self, base_url: str, path: str, headers: dict[str, str], *, timeout_seconds: float = 20) -> None:
        self._url = f"{base_url}{path}"
        self._headers = headers
        self._timeout = timeout_seconds
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Connect."""
        answer = self._open.enter_context(httpx.stream("GET", self._url, headers=self._headers, timeout=self._timeout))
        assert answer.status_code == httpx.codes.OK, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        self._events = _events(answer.iter_lines())
        self.ready = self.next("ready")
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._open.close()

    def next(self, name: str) -> ToldEvent:
        """The next event of this name; others are passed over."""
        return next(event for event in self._events if event.name == name)

    def rest(self) -> list[ToldEvent]:
        """All events until the server ends the stream."""
        return list(self._events)


def _events(lines: Iterator[str]) -> Iterator[ToldEvent]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "event" in fields:
                yield ToldEvent(fields["event"], fields.get("id"), json.loads(fields["data"]))
            fields = {}
