"""A reader of server-sent events for tests: it talks to an application in this process, and may stop taking anything.

`httpx.ASGITransport` waits for the end of an answer, which a stream does not have.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

_EVENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event, or a comment, which has no name."""

    name: str | None
    id: str | None
    data: Any


class EventReader:
    """One open stream. `status` and `body` are there once the answer has begun, `failure` if it broke off."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.failure: BaseException | None = None
        self.has_ended = False
        self.begun = asyncio.Event()
        self.gone = asyncio.Event()
        self._taking = asyncio.Event()
        self._taking.set()
        self._events: asyncio.Queue[ServerEvent | None] = asyncio.Queue()
        self._is_asked = False

    def stall(self) -> None:
        """Take nothing more."""
        self._taking.clear()

    def resume(self) -> None:
        """Take everything again."""
        self._taking.set()

    async def next(self, name: str | None = None, *, seconds: float = _EVENT_SECONDS) -> ServerEvent:
        """The next event; of this name, others are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self._events.get()
                if event is None:
                    raise AssertionError(f"the stream ended before {name or 'the next event'}")
                if name in {None, event.name}:
                    return event

    async def rest(self, *, seconds: float = _EVENT_SECONDS) -> list[ServerEvent]:
        """All events until the stream ends."""
        found: list[ServerEvent] = []
        async with asyncio.timeout(seconds):
            while (event := await self._events.get()) is not None:
                found.append(event)
        return found

    async def receive(self) -> MutableMapping[str, Any]:
        """ASGI: the request, and then that its caller is gone."""
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI: a part of the answer."""
        await self._taking.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.body += message.get("body", b"")
        self.begun.set()
        if message.get("body"):
            self._events.put_nowait(_parsed(message["body"].decode()))
        if not message.get("more_body", False):
            self.finish(None)

    def finish(self, failure: BaseException | None) -> None:
        """Nothing more will come."""
        if not self.has_ended:
            self.has_ended, self.failure = True, failure
            self._events.put_nowait(None)
        self.begun.set()


@asynccontextmanager
async def following(app: ASGIApp, path: str, headers: Mapping[str, str]) -> AsyncIterator[EventReader]:
    """A stream, once its answer has begun; leaving the context is what its reader does by closing the connection."""
    reader, parts = EventReader(), urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("deskbus.test", 80),
        "state": {},
    }

    async def answer() -> None:
        try:
            await app(scope, reader.receive, reader.send)
        except Exception as error:  # noqa: BLE001 - what a server would see of it
            reader.finish(error)
        else:
            reader.finish(None)

    answering = asyncio.create_task(answer())
    try:
        async with asyncio.timeout(_EVENT_SECONDS):
            await reader.begun.wait()
        yield reader
    finally:
        reader.resume()
        reader.gone.set()
        async with asyncio.timeout(_EVENT_SECONDS):
            await answering


def _parsed(chunk: str) -> ServerEvent:
    fields: dict[str, str] = {}
    for line in chunk.strip().splitlines():
        name, _, value = line.partition(": ")
        fields[name] = value
    data = fields.get("data")
    return ServerEvent(fields.get("event"), fields.get("id"), json.loads(data) if data is not None else None)
