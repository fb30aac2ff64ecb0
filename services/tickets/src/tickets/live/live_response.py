"""An open stream as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

FastAPI's own way from a generator to events cannot tell that a reader takes nothing any more; this one gives every
event some seconds to leave. Sources are asked again and again what there is to say: nothing piles up for a slow reader.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from service_kit.errors import ReaderGone, TransientError
from tickets.live.live_streams import Follower, LiveStream, LiveStreams

HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 3.0
"""How long a lost nudge, or the going of an agent who said nothing, stays unnoticed."""
SLOW_SECONDS = 10.0
RETRY_MILLISECONDS = 2_000

_ASK_AGAIN_SECONDS = 0.2

logger = structlog.get_logger()


class Source(Protocol):
    """What a stream tells of."""

    rest_seconds: float
    """How long news gather before one looks again."""

    @property
    def keys(self) -> Sequence[str]:
        """What there may be news of."""

    async def look(self) -> Sequence[bytes]:
        """What there is to say since the last look, a part of it if it is much; nothing when all is said.

        Raises:
            TransientError: nobody knows now.
        """


@dataclass(frozen=True, slots=True)
class Pace:
    """The seconds between looks, heartbeats, and that one event may take to leave."""

    look: float = LOOK_SECONDS
    heartbeat: float = HEARTBEAT_SECONDS
    slow: float = SLOW_SECONDS


class _Ended(BaseModel):
    reason: str


def event(name: str, data: BaseModel, event_id: str | None = None) -> bytes:
    """An event with its data as JSON."""
    return format_sse_event(event=name, data_str=data.model_dump_json(), id=event_id)


class LiveResponse(EventSourceResponse):
    """Answers with a source's events until the reader leaves or the stream must end."""

    def __init__(self, streams: LiveStreams, follower: Follower, source: Source, pace: Pace) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would hold events back
        super().__init__((), headers=headers)
        self._streams = streams
        self._follower = follower
        self._source = source
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Write for as long as somebody reads."""
        with self._streams.admitted(self._follower, *self._source.keys) as stream:
            writing = asyncio.create_task(self._write(stream, send))
            leaving = asyncio.create_task(_leave(receive))
            try:
                await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancelled(writing, leaving)
            logger.info("stream_ended", reason=stream.ended or "left", credential_id=_credential(stream))
            if not writing.cancelled():
                writing.result()

    async def _write(self, stream: LiveStream, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._chunks(stream)) as chunks:
            async for chunk in chunks:
                if not await self._leaves(send, chunk, more=True):
                    stream.end("too_slow")
                    break
                await asyncio.sleep(0)  # where there is always more to say, others have their turn all the same
        last = event("end", _Ended(reason=stream.ended or "stopping"))
        if not await self._leaves(send, last, more=False):
            raise ReaderGone("a stream was cut: its reader took nothing any more")

    async def _chunks(self, stream: LiveStream) -> AsyncGenerator[bytes, None]:
        """What is to be sent, heartbeats included, until the stream must end."""
        yield format_sse_event(retry=RETRY_MILLISECONDS)
        loop = asyncio.get_running_loop()
        silent_since = loop.time()
        while stream.ended is None:
            stream.heed()
            try:
                said = await self._source.look()
            except TransientError as error:
                logger.warning("stream_interrupted", error=repr(error), credential_id=_credential(stream))
                stream.end("unavailable")
                return
            if not said and loop.time() - silent_since >= self._pace.heartbeat:
                said = (KEEPALIVE_COMMENT,)
            for chunk in said:
                silent_since = loop.time()
                yield chunk
            if not said:
                await stream.pause(min(self._pace.look, self._pace.heartbeat), self._source.rest_seconds)

    async def _leaves(self, send: Send, chunk: bytes, *, more: bool) -> bool:
        """Whether the chunk was taken in time. The server writes it whole or, while it waits for room, not at all."""
        try:
            async with asyncio.timeout(self._pace.slow):
                await send({"type": "http.response.body", "body": chunk, "more_body": more})
        except TimeoutError:
            return False
        return True


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    """End them. The client of Redis swallows a cancellation while it connects: ask again."""
    running: Collection[asyncio.Task[None]] = tasks
    while running := [task for task in running if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_ASK_AGAIN_SECONDS)


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _credential(stream: LiveStream) -> str:
    return stream.follower.principal.credential_id
