"""A gateway behind a real HTTP server, visitors with real websockets, and the other side of its topics."""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from fastapi import FastAPI
from starlette.types import ASGIApp

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.people import Actor, Party
from contracts.settings import SettingsChanged
from contracts.tickets import TicketClosed, TicketEvent, TicketFacts, TicketMessageAdded
from contracts.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory
from webchat_gateway.app import create_service
from webchat_gateway.settings import WebchatSettings

ACCOUNT = "acc_1"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_FRAME_SECONDS = 10
_TLS = httpx.create_ssl_context()
"""Made once: it takes longer than most requests."""


class _Server(uvicorn.Server):
    """uvicorn that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """uvicorn on a free port, set up as the embedded composition sets it up."""

    def __init__(self, application: ASGIApp) -> None:
        config = uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=65_536,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=5,
        )
        self._server = _Server(config)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    async def start(self) -> None:
        """Serve."""
        self._running = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        await eventually(lambda: self._server.started)

    async def stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        await self._running


class Visitor:
    """One websocket, and what came over it in order."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection
        self.frames: list[dict[str, Any]] = []
        self._unread: deque[dict[str, Any]] = deque()

    async def send(self, kind: str, **fields: Any) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> dict[str, Any]:
        """The next frame."""
        if self._unread:
            return self._unread.popleft()
        async with asyncio.timeout(_FRAME_SECONDS):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
        self.frames.append(frame)
        return frame

    async def expect(self, kind: str) -> dict[str, Any]:
        """The next frame, which must be of this type."""
        frame = await self.next()
        assert frame["type"] == kind, f"{frame} is no {kind}"
        return frame

    async def hello(self, **fields: Any) -> dict[str, Any]:
        """Say hello; the welcome."""
        await self.send("hello", **fields)
        return await self.expect("welcome")

    async def say(self, client_id: str, text: str) -> int:
        """Send a message that must be acknowledged next; its number."""
        await self.send("message", client_id=client_id, text=text)
        ack = await self.expect("ack")
        assert ack["client_id"] == client_id
        return int(ack["seq"])

    async def silence(self) -> None:
        """Nothing more has come: the server answers a frame of ours first of all."""
        await self.send("hello")
        frame = await self.next()
        assert frame.get("code") == "already_here", f"{frame} was not to come"

    async def ended(self) -> tuple[int, str]:
        """Code and reason of the close that the server sent, or was told."""
        async with asyncio.timeout(_FRAME_SECONDS):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""

    def vanish(self) -> None:
        """Break the connection without a word, as a phone in a tunnel does."""
        self.connection.transport.abort()


@dataclass
class Chat:
    """A running gateway and its surroundings."""

    platform: Platform
    outside: Platform
    service: Service
    port: int
    clock: ManualClock
    owner: dict[str, str] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)
    count: int = 0

    async def take(self, events: Sequence[Event]) -> None:
        """Remember what left the gateway."""
        self.heard.extend(events)

    def of(self, kind: type[Event]) -> list[Any]:
        """What left, of one class, in order; the follow-up mails only of outgoing messages."""
        found = [event for event in self.heard if isinstance(event, kind)]
        return [event for event in found if not isinstance(event, OutboundMessageRequested) or event.channel == "email"]

    async def said(self, kind: type[Event], count: int = 1) -> list[Any]:
        """What left, of one class, once there are `count`."""
        await eventually(lambda: len(self.of(kind)) >= count)
        return self.of(kind)

    @property
    def url(self) -> str:
        """Where the websocket is."""
        return f"ws://127.0.0.1:{self.port}/v1/chat/ws"

    @asynccontextmanager
    async def visitor(self, *, account: str = ACCOUNT, **options: Any) -> AsyncIterator[Visitor]:
        """A visitor who has connected and says nothing yet."""
        url = f"{self.url}?account={account}"
        async with websockets.connect(url, compression=None, max_size=None, **options) as connection:
            yield Visitor(connection)

    async def settings(self, **patch: Any) -> None:
        """Patch the account's chat settings."""
        async with self.http() as http:

            async def is_patched() -> bool:
                answer = await http.patch("/v1/settings/chat", json=patch, headers=self.owner)
                return answer.status_code == 200

            await eventually(is_patched)

    def http(self) -> httpx.AsyncClient:
        """A client of the HTTP side."""
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", verify=_TLS)

    async def open_account(self) -> None:
        """Tell the gateway of an account, as tickets does."""
        self.owner = await sign_in(self.platform, account_id=ACCOUNT, role="owner")
        changed = SettingsChanged(
            id="evt_account", account_id=ACCOUNT, time=NOON, area="account", version=1, value={"name": "Acme"}
        )
        await self.platform.bus.publish([changed])
        await self.settings(follow_up_after_seconds=180)

    def reply(self, conversation_id: str, name: str, text: str, **changes: Any) -> OutboundMessageRequested:
        """An agent's reply as tickets asks for it."""
        reply = OutboundMessageRequested(
            id=f"evt_{name}",
            account_id=ACCOUNT,
            time=self.clock.now(),
            message_id=f"msg_{name}",
            ticket_id="tic_1",
            channel="web_chat",
            purpose="reply",
            contact_key="vis_1",
            recipient=Party(visitor_id="vis_1"),
            text=text,
            conversation_id=conversation_id,
        )
        return reply.model_copy(update=changes)

    async def tell(self, *events: Event) -> None:
        """Publish what tickets would."""
        await self.outside.bus.publish(list(events))

    def ticket(self, event: type[TicketEvent], ticket_id: str = "tic_1", **more: Any) -> TicketEvent:
        """An event of a chat's ticket."""
        self.count += 1
        facts = TicketFacts(
            id=ticket_id,
            number=1,
            channel="web_chat",
            status="closed" if event is TicketClosed else "open",
            contact_id="con_1",
            assignment_epoch=1,
            version=self.count,
            created_at=more.pop("created_at", NOON),
            cycle_opened_at=NOON,
        )
        return event(
            id=f"evt_{ticket_id}_{self.count}",
            account_id=ACCOUNT,
            time=NOON,
            ticket_id=ticket_id,
            seq=self.count,
            actor=Actor(kind="system"),
            cause="test",
            ticket=facts,
            **more,
        )

    def added(self, conversation_id: str, ticket_id: str = "tic_1", **more: Any) -> TicketEvent:
        """A message joined the ticket of a conversation."""
        fields = {"message_id": "msg_x", "message_seq": 1, "kind": "inbound", "conversation_id": conversation_id}
        return self.ticket(TicketMessageAdded, ticket_id, **fields | more)


Change = Callable[[Platform], Platform]


@pytest.fixture
def open_chat(
    make_platform: PlatformFactory, running: Callable[..., AbstractAsyncContextManager[None]]
) -> Callable[..., AbstractAsyncContextManager[Chat]]:
    """Opens a gateway with one account, on a clock that stands at noon; `factory` and `change` exchange engines."""

    @asynccontextmanager
    async def opened(
        factory: PlatformFactory = make_platform, change: Change = lambda platform: platform, **settings: int
    ) -> AsyncIterator[Chat]:
        clock = ManualClock(NOON)
        platform = change(factory("webchat-gateway", clock=clock))
        outside = factory("tickets", clock=clock)
        service = create_service(platform, WebchatSettings(**settings))
        server = WebServer(service.api)
        chat = Chat(platform, outside, service, server.port, clock)
        outside.bus.subscribe(Subscription(INBOUND_MESSAGES, "tickets", chat.take))
        outside.bus.subscribe(Subscription(DELIVERY_EVENTS, "tickets", chat.take, only=(DeliveryUpdated,)))
        outside.bus.subscribe(Subscription(OUTBOUND_MESSAGES, "notifier", chat.take))
        tickets = Service(name="tickets", api=FastAPI(), prefixes=())
        async with AsyncExitStack() as stack:
            pairs = [(tickets, outside), (service, platform)]
            await stack.enter_async_context(running(*pairs, http=[server]))
            await chat.open_account()
            yield chat

    return opened


@pytest.fixture
async def chat(open_chat: Callable[..., AbstractAsyncContextManager[Chat]]) -> AsyncIterator[Chat]:
    """A gateway as anybody would run it."""
    async with open_chat() as chat:
        yield chat


@pytest.fixture
def exchanged() -> Callable[..., Change]:
    """Makes a change of a platform that exchanges some of its engines."""
    return lambda **engines: lambda platform: replace(platform, **engines)
