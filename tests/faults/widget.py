"""A chat widget that does what ours does: it resumes with its token and the last number it saw."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Origin

from faults.patience import ANSWER_SECONDS, RefusedForGoodError, TryLaterError

_LATER = frozenset({"unavailable", "rate_limited", "storage_full"})
_FOR_GOOD = frozenset({400, 403, 404})
_BROKEN = (WebSocketException, OSError, EOFError)


@dataclass(slots=True)
class Thread:
    """One conversation as a widget shows it: the author and the text of each number."""

    conversation_id: str
    token: str
    lines: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def last_seq(self) -> int:
        """The newest number shown."""
        return max(self.lines, default=0)


class Widget:
    """One visitor's browser. `threads` are the visitor's conversations, the present one last."""

    def __init__(self, base_url: str, account_id: str) -> None:
        self._url = f"{base_url.replace('http', 'ws', 1)}/v1/chat/ws?account={account_id}"
        self._origin = Origin(base_url)
        self._socket: ClientConnection | None = None
        self.threads: list[Thread] = []

    async def say(self, client_id: str, text: str, *, introduced_as: str | None = None) -> int:
        """The number under which the message was acknowledged, in the conversation that is then the last.

        Raises:
            TryLaterError: it was not; whether it was taken is not known.
            RefusedForGoodError: it never will be.
        """
        try:
            await self.come()
            if introduced_as:
                await self._send({"type": "profile", "name": introduced_as})
            await self._send({"type": "message", "client_id": client_id, "text": text})
            while True:
                frame = await self._next_frame()
                if frame["type"] == "ack" and frame["client_id"] == client_id:
                    break
        except _BROKEN as error:
            raise _failure(error) from error
        seq: int = frame["seq"]
        self.threads[-1].lines[seq] = ("visitor", text)
        return seq

    async def come(self) -> None:
        """Open the chat, or come back to it."""
        if self._socket is not None:
            return
        self._socket = await self._connected()
        present = self.threads[-1] if self.threads else None
        await self._send({"type": "hello"} | ({"token": present.token, "seq": present.last_seq} if present else {}))
        while (await self._next_frame())["type"] != "welcome":
            pass

    async def leave(self) -> None:
        """Go away without a word."""
        if self._socket is not None:
            with suppress(*_BROKEN):
                await self._socket.close()
            self._socket = None

    async def shown(self) -> list[tuple[Thread, Thread]]:
        """Each conversation as the widget shows it after coming back, beside the same seen from its beginning."""
        await self.leave()
        pairs = []
        for thread in self.threads:
            whole = Thread(thread.conversation_id, thread.token)
            await self._catch_up(thread)
            await self._catch_up(whole)
            pairs.append((thread, whole))
        return pairs

    async def _connected(self) -> ClientConnection:
        return await connect(self._url, origin=self._origin, compression=None, open_timeout=ANSWER_SECONDS)

    async def _send(self, frame: dict[str, Any]) -> None:
        assert self._socket is not None, "the chat is open"
        await self._socket.send(json.dumps(frame))

    async def _next_frame(self) -> dict[str, Any]:
        """The next frame, after what it changes: a welcome may begin another conversation."""
        assert self._socket is not None, "the chat is open"
        frame = await _frame(self._socket)
        if frame["type"] == "error":
            reason = f"{frame['code']}: {frame['detail']}"
            raise TryLaterError(reason, frame["code"]) if frame["code"] in _LATER else RefusedForGoodError(reason)
        if frame["type"] == "welcome" and frame["conversation_id"] not in {one.conversation_id for one in self.threads}:
            self.threads.append(Thread(frame["conversation_id"], frame["token"]))
        if frame["type"] == "message":
            self.threads[-1].lines[frame["seq"]] = (frame["from"], frame["text"])
        return frame

    async def _catch_up(self, thread: Thread) -> None:
        """Come back to one conversation and take what was missed."""
        async with await self._connected() as socket:
            await socket.send(json.dumps({"type": "hello", "token": thread.token, "seq": thread.last_seq}))
            welcome = await _frame(socket)
            assert welcome["conversation_id"] == thread.conversation_id, "a token leads back to its conversation"
            while thread.last_seq < welcome["seq"]:
                frame = await _frame(socket)
                if frame["type"] == "message":
                    thread.lines[frame["seq"]] = (frame["from"], frame["text"])


async def _frame(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS):
        frame: dict[str, Any] = json.loads(await socket.recv())
    return frame


def _failure(error: BaseException) -> TryLaterError | RefusedForGoodError:
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, InvalidStatus) and error.response.status_code in _FOR_GOOD:
        return RefusedForGoodError(reason)
    return TryLaterError(reason)
