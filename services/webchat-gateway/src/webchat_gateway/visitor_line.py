"""A visitor's websocket as a line of frames: read one at a time, refused when they are not of this protocol."""

import asyncio
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from webchat_gateway import frames

_MOST_MISTAKES = 20
_GONE = 1006


class TooManyMistakesError(Exception):
    """The other side does not speak our protocol."""


class VisitorLine:
    """One accepted socket. Reads one frame ahead, so that pings and farewells are heard while a frame is worked on."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._reading: asyncio.Task[Any] | None = None
        self._mistakes = 0

    async def frame(self, news: asyncio.Event, seconds: float) -> frames.FromVisitor | None:
        """The next frame, or None: there is news, or none came in time, or it was refused.

        Raises:
            WebSocketDisconnect: the visitor left.
            TooManyMistakesError: that was one too many.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._socket.receive())
        if not news.is_set():
            await self._frame_or_news(self._reading, news, seconds)
        if news.is_set() or not self._reading.done():
            return None
        arrived, self._reading = self._reading.result(), None
        if arrived["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(arrived["code"], arrived.get("reason"))
        self._reading = asyncio.create_task(self._socket.receive())
        return await self._parsed(arrived.get("text"))

    async def send(self, frame: dict[str, Any]) -> None:
        """Send a frame.

        Raises:
            WebSocketDisconnect: nobody is there any more.
        """
        try:
            await self._socket.send_json(frame)
        except RuntimeError as error:  # the server closed the socket itself: an oversize frame, no answer to pings
            raise WebSocketDisconnect(_GONE) from error

    async def refuse(self, code: str, detail: str) -> None:
        """Tell the visitor that a frame was a mistake, and count it."""
        self._mistakes += 1
        if self._mistakes > _MOST_MISTAKES:
            raise TooManyMistakesError
        await self.send(frames.error(code, detail))

    async def hang_up(self, code: int, reason: str) -> None:
        """Close the socket, if it is still open."""
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):
            return

    async def release(self) -> None:
        """Read no further."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _frame_or_news(self, reading: asyncio.Task[Any], news: asyncio.Event, seconds: float) -> None:
        waiting = asyncio.create_task(news.wait())
        try:
            await asyncio.wait({reading, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def _parsed(self, text: str | None) -> frames.FromVisitor | None:
        if text is None:
            await self.refuse("invalid_frame", "frames are text, not binary")
            return None
        try:
            return frames.client_frames.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            await self.refuse("invalid_frame", f"{'.'.join(map(str, first['loc']))}: {first['msg']}".lstrip(": "))
            return None
