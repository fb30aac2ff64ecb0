"""The real service of tickets and accounts in it, without waiting: its bus hands over at once what is published."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from argon2 import PasswordHasher
from pydantic import BaseModel

from contracts.contacts import Consent, ContactIdentity, ContactUpdated, SmsConsent
from contracts.directories import TeamDirectory
from contracts.envelope import Event
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from contracts.settings import (
    Area,
    AssignmentSettings,
    ChatSettings,
    EmailSettings,
    SettingsChanged,
    SmsSettings,
    SupportAddress,
)
from contracts.tickets import TicketEvent
from contracts.topics import topic_of
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory
from ticket_lives.life import NOON
from tickets.app import create_service
from tickets.ledger.intake_entry import INTAKE
from tickets.life.auto_closing import AutoClosing
from tickets.life.life import UNSNOOZE
from tickets.life.snoozing import Snoozing
from tickets.people.account_workflow import NewAccount
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.people_app import account_workflow
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.ticket.desk import Desk
from tickets.ticket.history import History
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.message_store import MessageStore
from tickets.ticket.ticket_store import TicketStore
from tickets.ticket.ticket_timers import ticket_timers
from tickets.writing.publication import Publication

CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
AGENTS = ("ann", "ben")
PHONES = ("+33612345678", "+33687654321")
"""Only the first has agreed to SMS."""

T = TypeVar("T")


@dataclass
class DirectBus:
    """Hands what is published to its readers before `publish` returns, and keeps it."""

    subscriptions: list[Subscription] = field(default_factory=list)
    of_tickets: dict[str, list[TicketEvent]] = field(default_factory=dict)
    requests: list[OutboundMessageRequested] = field(default_factory=list)
    waiting: deque[Event] = field(default_factory=deque)
    is_handing_over: bool = False

    def subscribe(self, subscription: Subscription) -> None:
        """Declare a reader."""
        self.subscriptions.append(subscription)

    async def ping(self) -> None:
        """Always well."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Keep, and hand over; what a reader publishes is handed over after what it was handed."""
        self.waiting.extend(events)
        if self.is_handing_over:
            return
        self.is_handing_over = True
        try:
            while self.waiting:
                await self._hand_over(self.waiting.popleft())
        finally:
            self.is_handing_over = False

    async def _hand_over(self, event: Event) -> None:
        if isinstance(event, TicketEvent):
            self.of_tickets.setdefault(event.ticket_id, []).append(event)
        if isinstance(event, OutboundMessageRequested):
            self.requests.append(event)
        for one in self.subscriptions:
            if one.topic == topic_of(type(event)) and (not one.only or isinstance(event, one.only)):
                await one.handle([event])


class World:
    """The service, started once for all lives; each life is an account of its own."""

    def __init__(self, folder: Path, valkey_url: str, new_inbox: Callable[[str], Any]) -> None:
        self.runner, self.clock, self.bus = asyncio.Runner(), ManualClock(NOON), DirectBus()
        self.factory = PlatformFactory(folder, valkey_url)
        self.platform = replace(self.factory("tickets", clock=self.clock), bus=cast("Any", self.bus))
        self.service = create_service(self.platform, hasher=CHEAP_HASHER)
        self.numbers = itertools.count(1)
        self.new_inbox = new_inbox
        self._replica()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """To the end."""
        return self.runner.run(coroutine)

    async def start(self) -> None:
        """The store and what the service prepares; its workers are run by hand, as a second replica's."""
        await self.platform.store.start()
        for prepare in self.service.prepare:
            await prepare()
        self.http = http_client(self.service.api)

    async def stop(self) -> None:
        """Give all back."""
        await self.http.aclose()
        await self.platform.store.stop()
        await self.factory.close()

    async def settle(self) -> None:
        """Whatever is due by now happens."""
        await self.timers.run_due()
        # Copies of settings may be a second old, and whole lives pass in one: these have read nothing before.
        apart = replace(self.platform, bus=cast("Any", DirectBus()))
        copies = SettingsCopies(apart, "tickets", areas=("tickets",))
        await AutoClosing(self.desk, copies, self.clock).run()

    def _replica(self) -> None:
        platform: Platform = self.platform
        store, clock = platform.store, self.clock
        histories = HistoryStore(store)
        messages = MessageStore(store)
        files = ErasureBlobs(messages, BlockStore(store), platform.blobs)
        publication = Publication(messages, histories, files, clock)
        desk = Desk(TicketStore(store), History(histories), publication, platform.bus, clock)
        self.timers = ticket_timers(desk.tickets, clock, {UNSNOOZE: Snoozing(desk, clock).wake})
        self.desk = desk


class Company:
    """One account, its agents and customers, as outsiders see it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account_id = f"acc_life_{next(world.numbers)}"
        self.inbox = world.new_inbox(self.account_id)
        self.sessions: dict[str, dict[str, str]] = {}

    def agent_id(self, agent: str | None) -> str | None:
        """An agent's id."""
        return agent and f"agt_{self.account_id}_{agent}"

    async def found(self) -> None:
        """Make the account, as it is when other services have said what they have to."""
        email = f"oscar@{self.account_id.replace('_', '-')}.example"
        fields = {"name": "Acme", "owner_name": "Oscar", "email": email, "password": "correct horse battery"}
        wanted = NewAccount(**fields, account_id=self.account_id)
        await account_workflow(self.world.platform, hasher=CHEAP_HASHER).create(wanted)
        areas: dict[Area, BaseModel] = {
            "assignment": AssignmentSettings(),
            "teams": TeamDirectory(),
            "email": EmailSettings(addresses={"support@acme.example": SupportAddress()}),
            "sms": SmsSettings.model_validate({"auto_responder": {"mode": "off"}}),
            "chat": ChatSettings(),
        }
        for area, value in areas.items():
            await self.tell(SettingsChanged, area=area, version=1, value=value.model_dump(mode="json"))
        agreed = Consent(sms=SmsConsent(transactional=True))
        await self.tell(ContactUpdated, contact=ContactIdentity(phone=PHONES[0]), consent=agreed)
        for agent in AGENTS:
            await self._hire(agent)

    async def tell(self, kind: type[Event], **fields: Any) -> None:
        """Publish what another service would."""
        now = self.world.clock.now()
        await self.world.bus.publish([kind(id=new_id("evt"), account_id=self.account_id, time=now, **fields)])

    async def receive(self, event: Event) -> tuple[str, str | None]:
        """The verdict on a message, and its ticket."""
        await self.world.bus.publish([event])
        entry = await self.world.platform.store.collection(INTAKE).get(event.id)
        assert entry is not None
        return entry.verdict, entry.ticket_id

    async def do(self, agent: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """An agent's request."""
        sent = {**self.sessions[agent], **headers}
        return await self.world.http.request(method, path, json=body, headers=sent)

    async def get(self, agent: str, path: str, **query: Any) -> Any:
        """What an agent is shown."""
        answer = await self.world.http.get(path, params=query, headers=self.sessions[agent])
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def tickets(self, agent: str, **query: Any) -> dict[str, dict[str, Any]]:
        """A list by ids."""
        page = await self.get(agent, "/v1/tickets", limit=200, **query)
        return {item["id"]: item for item in page["items"]}

    async def _hire(self, agent: str) -> None:
        agent_id, now = str(self.agent_id(agent)), self.world.clock.now()
        login = f"{agent_id.replace('_', '-')}@acme.example"
        fields = {"id": agent_id, "account_id": self.account_id, "name": agent, "email": login, "login": login}
        hired = Agent(**fields, role="support", password_hash="none", created_at=now, updated_at=now)
        await AgentStore(self.world.platform.store).insert(hired)
        session = await sign_in(self.world.platform, account_id=self.account_id, agent_id=agent_id)
        self.sessions[agent] = session


@contextmanager
def a_world(folder: Path, valkey_url: str, new_inbox: Callable[[str], Any]) -> Iterator[World]:
    """The service for as long as the block runs."""
    world = World(folder, valkey_url, new_inbox)
    with world.runner:
        world.run(world.start())
        yield world
        world.run(world.stop())
