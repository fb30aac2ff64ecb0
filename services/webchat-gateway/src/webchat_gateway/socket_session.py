"""One visitor's websocket: frames in, the thread out, both by number."""

import asyncio
from collections.abc import Callable

import structlog
from fastapi import WebSocketDisconnect

from service_kit.admission import Admission
from service_kit.errors import TransientError
from service_kit.fan_out import FanOut
from service_kit.rate_limit import RateLimit
from webchat_gateway import frames
from webchat_gateway.model import Conversation
from webchat_gateway.sightings import Sightings
from webchat_gateway.store import ChatStore
from webchat_gateway.visitor_line import TooManyMistakesError, VisitorLine
from webchat_gateway.workflow import ChatWorkflow

_LOOK_AGAIN_SECONDS = 5.0
"""How long a lost nudge can delay what a socket shows."""

_HELLO_SECONDS = 30.0
_POLICY_VIOLATION = 1008
_TRY_AGAIN_LATER = 1013
_FAREWELLS = frozenset({1000, 1001})
"""What a browser says when its page is closed: the visitor had received all that was sent."""

logger = structlog.get_logger()


class SilentVisitorError(Exception):
    """No hello came in time."""


class SocketSession:
    """Serves one accepted socket of one account until it closes."""

    def __init__(
        self,
        line: VisitorLine,
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
        self._line = line
        self._account_id = account_id
        self._workflow = workflow
        self._store = store
        self._fan_out = fan_out
        self._limit = limit
        self._admission = admission
        self._token_of = token_of
        self._conversation_of = conversation_of
        self._conversation: Conversation | None = None
        self._shown = 0
        self._sightings = Sightings(0)
        self._unacknowledged: dict[int, str] = {}
        self._told_closed = False

    async def run(self) -> None:
        """Until the visitor leaves, breaks the protocol too often, or nothing can be read any more."""
        try:
            await self._welcome(await self._hello())
            while True:
                await self._converse()
        except WebSocketDisconnect as gone:
            if gone.code not in _FAREWELLS:
                await self._doubt()
        except SilentVisitorError:
            await self._line.hang_up(_POLICY_VIOLATION, "say hello first")
        except TooManyMistakesError:
            await self._line.hang_up(_POLICY_VIOLATION, "too many frames that are not of this protocol")
        except TransientError as error:
            logger.warning("chat_socket_given_up", account_id=self._account_id, error=repr(error))
            await self._line.hang_up(_TRY_AGAIN_LATER, "come back in a moment")
        finally:
            await self._line.release()

    async def _hello(self) -> frames.Hello:
        loop = asyncio.get_running_loop()
        deadline, news = loop.time() + _HELLO_SECONDS, asyncio.Event()
        while (left := deadline - loop.time()) > 0:
            frame = await self._line.frame(news, left)
            if isinstance(frame, frames.Hello):
                return frame
            if frame is not None:
                await self._line.refuse("hello_first", "say hello before anything else")
        raise SilentVisitorError

    async def _welcome(self, hello: frames.Hello) -> None:
        """Resume where the visitor says to be; one who claims more than there is gets the whole thread."""
        conversation_id = self._conversation_of(hello.token) if hello.token else None
        conversation = await self._workflow.resume(self._account_id, conversation_id)
        newest = await self._store.newest(conversation.id)
        last = newest.seq if newest else 0
        await self._enter(conversation, last, seen=hello.seq if hello.seq <= last else 0)

    async def _enter(self, conversation: Conversation, last: int, *, seen: int) -> None:
        self._conversation, self._shown, self._told_closed = conversation, seen, False
        self._sightings, self._unacknowledged = Sightings(seen), {}
        await self._line.send(frames.welcome(conversation, self._token_of(conversation), last))

    async def _converse(self) -> None:
        """Serve the conversation; returns when the visitor is in another one."""
        here = self._here.id
        with self._fan_out.listening(here) as news:
            await self._show_news()
            while self._here.id == here:
                frame = await self._line.frame(news, _LOOK_AGAIN_SECONDS)
                if frame is not None:
                    self._sightings.spoke()
                    await self._handle(frame)
                else:
                    news.clear()
                    await self._show_news()

    async def _handle(self, frame: frames.FromVisitor) -> None:
        """Act on a frame; what could not be kept is said to be so, and never acknowledged."""
        if isinstance(frame, frames.Hello):
            await self._line.refuse("already_here", "hello was said; connect again to resume elsewhere")
            return
        if isinstance(frame, frames.Typing):
            return
        try:
            self._admission.check()
            if not await self._limit.allows(self._here.visitor_id):
                await self._line.send(frames.error("rate_limited", "Too much at once; send it again in a moment."))
                return
            await self._keep(frame)
        except TransientError as error:
            logger.warning("chat_frame_not_taken", conversation_id=self._here.id, error=repr(error))
            await self._line.send(frames.error("unavailable", "This could not be stored; send it again in a moment."))

    async def _keep(self, frame: frames.Say | frames.New | frames.Profile) -> None:
        if isinstance(frame, frames.Say):
            await self._say(frame)
        elif isinstance(frame, frames.New):
            await self._go_to(await self._workflow.follow(self._here, frame.client_id))
        else:
            await self._workflow.give_profile(self._here, frame.name, frame.email)

    async def _say(self, frame: frames.Say) -> None:
        conversation, seq = await self._workflow.say(self._here, frame.client_id, frame.text)
        if conversation.id != self._here.id:
            await self._go_to(conversation)
        if seq <= self._shown:
            await self._line.send(frames.acknowledged(frame.client_id, seq))
            return
        self._unacknowledged[seq] = frame.client_id
        await self._show_news()

    async def _go_to(self, conversation: Conversation) -> None:
        newest = await self._store.newest(conversation.id)
        await self._enter(conversation, newest.seq if newest else 0, seen=0)

    async def _show_news(self) -> None:
        """Send what the socket was not given, in order; the ack of its own message stands in the message's place."""
        while news := await self._store.after(self._here.id, self._shown):
            for message in news:
                client_id = self._unacknowledged.pop(message.seq, None)
                frame = frames.message(message) if client_id is None else frames.acknowledged(client_id, message.seq)
                await self._line.send(frame)
                self._shown = message.seq
            self._sightings.given(self._shown, asyncio.get_running_loop().time())
        conversation = await self._store.conversation(self._here.id)
        if conversation is not None:
            await self._note(conversation)

    async def _note(self, conversation: Conversation) -> None:
        """Say what became of the conversation, and that this socket shows our replies."""
        if conversation.delivered_seq < min(self._shown, conversation.last_reply_seq):
            await self._workflow.delivered(conversation, self._shown)
        if conversation.closed and not self._told_closed:
            await self._line.send(frames.closed())
        self._told_closed = conversation.closed

    async def _doubt(self) -> None:
        """The visitor left without a word: what was sent last may never have arrived."""
        if self._conversation is None:
            return
        try:
            await self._workflow.doubt(self._here.id, self._sightings.sure(asyncio.get_running_loop().time()))
        except TransientError as error:
            logger.warning("chat_doubt_lost", conversation_id=self._here.id, error=repr(error))

    @property
    def _here(self) -> Conversation:
        """The conversation that this socket shows."""
        if self._conversation is None:
            raise RuntimeError("the visitor was not welcomed yet")
        return self._conversation
