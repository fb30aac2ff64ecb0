"""A connection that breaks anywhere, again and again: in the end the widget shows exactly the server's thread (W1)."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
import websockets

from contracts.deliveries import DeliveryUpdated
from contracts.inbound import InboundMessageReceived
from webchat_gateway.store import ChatStore

_STEPS = 120
_GLANCE_SECONDS = 0.02


class Widget:
    """What a widget keeps: its token, the last number it has, the thread up to there, and what is not acknowledged."""

    def __init__(self, chat: Any) -> None:
        self._chat = chat
        self._stack = AsyncExitStack()
        self._visitor: Any = None
        self.token: str | None = None
        self.conversation_id = ""
        self.seq = 0
        self.last = 0
        self.thread: list[tuple[int, str, str]] = []
        self.unsent: dict[str, str] = {}

    async def connect(self) -> None:
        """Resume, and send again what was not acknowledged."""
        self._visitor = await self._stack.enter_async_context(self._chat.visitor())
        fields = {"token": self.token} if self.token else {}
        welcome = await self._visitor.hello(seq=self.seq, **fields)
        self.token, self.conversation_id, self.last = welcome["token"], welcome["conversation_id"], welcome["seq"]
        for client_id, text in self.unsent.items():
            await self._visitor.send("message", client_id=client_id, text=text)

    async def cut(self) -> None:
        """The connection breaks, frames underway both ways or not."""
        self._visitor.vanish()
        with suppress(websockets.ConnectionClosed):
            await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def write(self, client_id: str) -> None:
        """The visitor writes."""
        self.unsent[client_id] = f"visitor's {client_id}"
        await self._visitor.send("message", client_id=client_id, text=self.unsent[client_id])

    async def glance(self) -> None:
        """Take a frame if one comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GLANCE_SECONDS):
                self._take(await self._visitor.next())

    async def catch_up(self) -> None:
        """Read until everything is acknowledged and everything there was at the welcome has come."""
        while self.unsent or self.seq < self.last:
            self._take(await self._visitor.next())

    def _take(self, frame: dict[str, Any]) -> None:
        text, author = frame.get("text"), frame.get("from")
        if frame["type"] == "ack":
            text, author = self.unsent.pop(frame["client_id"], None), "visitor"
        if frame["seq"] > self.seq:
            assert frame["seq"] == self.seq + 1, f"{frame} after {self.seq}"
            assert isinstance(text, str), f"{frame} has no text"
            self.seq += 1
            self.thread.append((self.seq, str(author), text))


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_cuts_the_widget_shows_the_servers_thread(chat: Any, seed: int) -> None:
    """Cuts at random points lose nothing, double nothing and swap nothing, on the screen and on the bus (W1, I4)."""
    dice = random.Random(seed)  # noqa: S311 - the same cuts each time, no secret
    widget = Widget(chat)
    await widget.connect()
    await widget.write("c0")
    replies = 0
    for number in range(1, _STEPS):
        match dice.choices(("write", "glance", "cut", "reply"), weights=(4, 4, 1, 3))[0]:
            case "write":
                await widget.write(f"c{number}")
            case "glance":
                await widget.glance()
            case "cut":
                await widget.cut()
                await widget.connect()
            case "reply":
                await chat.tell(chat.reply(widget.conversation_id, f"r{number}", f"agent's {number}"))
                replies += 1
    await chat.said(DeliveryUpdated, replies)
    for _ in range(2):  # what had no number in the first round has one when the second begins
        await widget.cut()
        await widget.connect()
        await widget.catch_up()
    stored = await ChatStore(chat.platform.store).after(widget.conversation_id, 0)
    visitors = [message for message in stored if message.author == "visitor"]
    events = await chat.said(InboundMessageReceived, len(visitors))
    told = list(dict.fromkeys((event.message_id, event.text) for event in events))
    await widget.cut()

    assert widget.thread == [(message.seq, message.author, message.text) for message in stored]
    assert [message.seq for message in stored] == list(range(1, len(stored) + 1))
    assert len({message.text for message in stored}) == len(stored)
    assert [text for _, text in told] == [message.text for message in visitors]
