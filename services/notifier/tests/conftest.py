"""Fixtures of notifier: the whole service before a real SMTP relay that answers as a test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Party
from contracts.settings import SettingsChanged
from contracts.topics import DELIVERY_EVENTS
from notifier.app import create_service
from notifier.model import Delivery
from notifier.outcome import SEND
from notifier.settings import NotifierSettings
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.bus import Bus, Subscription
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory
from service_kit.timers import with_due

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACCOUNT = "acc_1"
SUPPORT = "support@acme.example"


def _reply(
    name: str = "a", *, to: str = "zoe@customer.example", cc: tuple[str, ...] = (), **more: Any
) -> OutboundMessageRequested:
    facts = {
        "id": f"evt_{name}",
        "account_id": ACCOUNT,
        "time": NOON,
        "message_id": f"msg_{name}",
        "ticket_id": "tic_1",
        "channel": "email",
        "purpose": "reply",
        "contact_key": to,
        "recipient": Party(email=to),
        "sender": SUPPORT,
        "text": "On its way.",
        "mail": MailThreading(message_id=f"{name}@acme.example", reply_to="support+tag@acme.example", cc=cc),
    }
    return OutboundMessageRequested.model_validate(facts | more)


@pytest.fixture(scope="session")
def make_delivery() -> Callable[..., Delivery]:
    """Makes a reply that nobody tried to send, due now."""

    def make(**reply: Any) -> Delivery:
        request = _reply(**reply)
        delivery = Delivery(
            id=f"del_{request.message_id}",
            account_id=request.account_id,
            ticket_id=request.ticket_id,
            message_id=request.message_id,
            channel=request.channel,
            created_at=request.time,
            updated_at=request.time,
            request=request,
        )
        return with_due(delivery, SEND, request.time)

    return make


@dataclass
class PickyRelay:
    """An SMTP server. `answers` are what it says to a recipient, or to the end of data (`DATA`), before it says yes."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["PickyRelay"]:
        """Take mail on a free port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._greeting(loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def handle_RCPT(  # noqa: N802 - the library finds hooks by these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or say what stands in `answers`."""
        if self.answers.get(address):
            return self.answers[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        """Take a mail, or say what stands in `answers`."""
        if self.answers.get("DATA"):
            return self.answers["DATA"].pop(0)
        self.taken.append((list(envelope.rcpt_tos), envelope.original_content or b""))
        return "250 2.0.0 queued"

    def envelopes(self) -> list[list[str]]:
        """The recipients of each mail that was taken, in order."""
        return [recipients for recipients, _ in self.taken]

    def _greeting(self, loop: asyncio.AbstractEventLoop) -> Callable[[], SMTP]:
        def greet() -> SMTP:
            self.connections += 1
            return SMTP(self, hostname="relay.example", loop=loop)

        return greet


@dataclass
class PostOffice:
    """A running notifier, its relay and its clock; account `acc_1` writes from support@acme.example."""

    bus: Bus
    relay: PickyRelay
    clock: ManualClock
    http: httpx.AsyncClient
    platform: Platform
    heard: list[DeliveryUpdated] = field(default_factory=list)

    async def take(self, events: Sequence[Event]) -> None:
        """Remember what was reported."""
        self.heard.extend(event for event in events if isinstance(event, DeliveryUpdated))

    async def post(self, name: str, *, to: str = "zoe@customer.example", cc: tuple[str, ...] = (), **more: Any) -> None:
        """Ask for a reply to be sent."""
        await self.bus.publish([_reply(name, to=to, cc=cc, **more)])

    async def reports(self, name: str, count: int = 1) -> list[DeliveryUpdated]:
        """What was reported of a reply, once that is so many."""

        def look() -> list[DeliveryUpdated]:
            found = [event for event in self.heard if event.message_id == f"msg_{name}"]
            return found if len(found) >= count else []

        return await eventually(look)

    async def delivery(self, name: str) -> dict[str, Any]:
        """A reply's delivery as it is shown."""
        items = (await self.http.get("/v1/deliveries")).json()["items"]
        return next(item for item in items if item["message_id"] == f"msg_{name}")

    async def suppressed(self) -> dict[str, str]:
        """The reasons by suppressed address."""
        return {one["address"]: one["reason"] for one in (await self.http.get("/v1/suppressions")).json()["items"]}


@pytest.fixture
def post_office(make_platform: PlatformFactory) -> Callable[..., AbstractAsyncContextManager[PostOffice]]:
    """Opens a notifier with any of its settings, and an account."""

    @asynccontextmanager
    async def open_office(**settings: Any) -> AsyncIterator[PostOffice]:
        clock, listener = ManualClock(NOON), make_platform("tickets")
        async with PickyRelay().listening() as relay:
            made = make_platform("notifier", clock=clock)
            url = f"smtp://127.0.0.1:{relay.port}"
            platform = replace(made, settings=made.settings.model_copy(update={"smtp_relay_url": url}))
            service = create_service(platform, NotifierSettings(**settings))
            transport, headers = httpx.ASGITransport(app=service.api), {"Authorization": "Bearer dbk_owner"}
            async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as http:
                office = PostOffice(platform.bus, relay, clock, http, platform)
                listener.bus.subscribe(Subscription(DELIVERY_EVENTS, "tickets", office.take))
                await listener.bus.start()
                async with make_platform.running((service, platform)):
                    await _open_account(platform)
                    yield office
                await listener.bus.stop()

    return open_office


async def _open_account(platform: Platform) -> None:
    owner = Principal(
        account_id=ACCOUNT,
        kind="agent",
        agent_id="agt_1",
        role="owner",
        scopes=frozenset({"*"}),
        credential_id="key_1",
    )
    await Credentials(platform.redis, platform.clock).put(hash_token("dbk_owner"), owner, expires_at=None)
    facts = {"id": "evt_s", "account_id": ACCOUNT, "time": NOON, "area": "email", "version": 1}
    value = {"addresses": {SUPPORT: {"from_name": "Acme", "signature": ""}}}
    await platform.bus.publish([SettingsChanged.model_validate({**facts, "value": value})])
