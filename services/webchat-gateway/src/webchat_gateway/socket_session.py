"""One visitor's websocket: frames in, the thread out, both by number."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from service_kit.admission import Admission
from service_kit.errors import TransientError
from webchat_gateway import frames
from webchat_gateway.fan_out import FanOut
from webchat_gateway.model import Conversation
from webchat_gateway.rate_limit import RateLimit
from webchat_gateway.store import ChatStore
from webchat_gateway.workflow import ChatWorkflow

_LOOK_AGAIN_SECONDS = 5.0
"""How long a lost nudge can delay what a socket shows."""

_HELLO_SECONDS = 30.0
_MOST_MISTAKES = 20
_POLICY_VIOLATION = 1008

logger = structlog.get_logger()


class TooManyMistakesError(Exception):
    """The other side does not speak our protocol."""


class SocketSession:
    """Serves one accepted socket of one account until it closes."""

    def __init__(
        self,
        socket: WebSocket,
        account_id: str,
        *,
        workflow: ChatWorkflow,
        store: ChatStore,
        fan_out: FanOut,
        limit: RateLimit,
        admission: Admission,
        token_of: Callable[[Conversation], str],
        conversation_of: Callable[[str], str | None],
    ) -> None:
        self._socket = socket
        self._account_id = account_id
        self._workflow = workflow
        self._store = store
        self._fan_out = fan_out
        self._limit = limit
        self._admission = admission
        self._token_of = token_of
        self._conversation_of = conversation_of
        self._shown = 0
        self._said_here: set[int] = set()
        self._told_closed = False
        self._mistakes = 0

    async def run(self) -> None:
        """Until the visitor leaves, or breaks the protocol too often."""
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                conversation = await self._welcome()
            while True:
                conversation = await self._converse(conversation)
        except WebSocketDisconnect:
            return
        except TimeoutError:
            await self._socket.close(_POLICY_VIOLATION, "say hello first")
        except TooManyMistakesError:
            await self._socket.close(_POLICY_VIOLATION, "too many frames that are not of this protocol")

    async def _welcome(self) -> Conversation:
        while True:
            frame = await self._frame()
            if isinstance(frame, frames.Hello):
                break
            if frame is not None:
                await self._refuse("hello_first", "say hello before anything else")
        known = await self._resumed(frame.token)
        conversation = known or await self._workflow.begin(self._account_id)
        await self._enter(conversation, frame.seq if known else 0)
        return conversation

    async def _resumed(self, token: str | None) -> Conversation | None:
        conversation_id = self._conversation_of(token) if token else None
        conversation = await self._store.conversation(conversation_id) if conversation_id else None
        return conversation if conversation and conversation.account_id == self._account_id else None

    async def _enter(self, conversation: Conversation, seq: int) -> None:
        last = await self._store.last_seq(conversation.id)
        self._shown, self._told_closed, self._said_here = min(seq, last), False, set()
        await self._send(frames.welcome(conversation, self._token_of(conversation), last))

    async def _converse(self, conversation: Conversation) -> Conversation:
        """Serve one conversation; returns the next one when the visitor starts another."""
        receiving = asyncio.create_task(self._frame())
        try:
            with self._fan_out.listening(conversation.id) as news:
                while True:
                    await self._show_news(conversation.id)
                    waiting = asyncio.create_task(news.wait())
                    await asyncio.wait(
                        {receiving, waiting}, timeout=_LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    waiting.cancel()
                    news.clear()
                    if receiving.done():
                        following = await self._handle(conversation, receiving.result())
                        receiving = asyncio.create_task(self._frame())
                        if following is not None:
                            return following
        finally:
            receiving.cancel()

    async def _handle(self, conversation: Conversation, frame: frames.FromVisitor | None) -> Conversation | None:
        """Act on a frame; the conversation that follows, if it starts one."""
        try:
            if isinstance(frame, frames.Say):
                return await self._say(conversation, frame)
            if isinstance(frame, frames.New):
                return await self._follow(conversation)
            if isinstance(frame, frames.Profile):
                await self._workflow.give_profile(conversation, frame.name, frame.email)
        except TransientError as error:
            logger.warning("chat_frame_not_taken", conversation_id=conversation.id, error=repr(error))
            await self._send(frames.error("unavailable", "This could not be stored; send it again in a moment."))
        return None

    async def _say(self, conversation: Conversation, frame: frames.Say) -> Conversation | None:
        self._admission.check()
        if not await self._limit.allows(conversation.visitor_id):
            await self._send(frames.error("rate_limited", "Too many messages at once; send it again in a moment."))
            return None
        current = await self._store.conversation(conversation.id) or conversation
        following = await self._follow(current) if current.closed else None
        seq = await self._workflow.say(following or current, frame.client_id, frame.text)
        self._said_here.add(seq)
        await self._show_news((following or current).id)  # nothing with a lower number may come after the ack
        await self._send(frames.acknowledged(frame.client_id, seq))
        return following

    async def _follow(self, conversation: Conversation) -> Conversation:
        following = await self._workflow.begin(self._account_id, after=conversation)
        await self._enter(following, 0)
        return following

    async def _show_news(self, conversation_id: str) -> None:
        """Send what the socket has not shown, in order; its own messages were acknowledged and need no echo."""
        answered = False
        while news := await self._store.after(conversation_id, self._shown):
            for message in news:
                if message.seq not in self._said_here:
                    await self._send(frames.message(message))
                answered = answered or message.author != "visitor"
                self._shown = message.seq
        if answered:
            await self._workflow.delivered(conversation_id, self._shown)
        conversation = await self._store.conversation(conversation_id)
        if conversation is not None and conversation.closed and not self._told_closed:
            self._told_closed = True
            await self._send(frames.closed())

    async def _frame(self) -> frames.FromVisitor | None:
        """The next frame; None for one that is not of this protocol, which the visitor was told."""
        text = await self._socket.receive_text()
        try:
            return frames.client_frames.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            await self._refuse("invalid_frame", f"{'.'.join(map(str, first['loc']))}: {first['msg']}".lstrip(": "))
            return None

    async def _refuse(self, code: str, detail: str) -> None:
        self._mistakes += 1
        if self._mistakes > _MOST_MISTAKES:
            raise TooManyMistakesError
        await self._send(frames.error(code, detail))

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._socket.send_json(frame)
