"""Random lives of tickets: what customers, agents, the router, timers and settings do, against a tiny model.

The service is the real one, with its routes, its readers of the bus and its store; the bus alone hands over at once
what is published, so that a life can be repeated step by step.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import httpx
from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import BaseModel

from contracts.contacts import Consent, ContactIdentity, ContactUpdated, SmsConsent
from contracts.envelope import Event
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided
from contracts.settings import (
    Area,
    AssignmentSettings,
    ChatSettings,
    EmailSettings,
    SettingsChanged,
    SmsSettings,
    SupportAddress,
    TeamDirectory,
)
from contracts.tickets import TicketAssignmentRefused, TicketEvent
from contracts.topics import topic_of
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory
from tickets.account_workflow import NewAccount
from tickets.agent_store import AgentStore
from tickets.agents import Agent
from tickets.app import create_service
from tickets.auto_closing import AutoClosing
from tickets.desk import Desk
from tickets.history import History
from tickets.history_store import HistoryStore
from tickets.intake_entry import INTAKE
from tickets.life import UNSNOOZE
from tickets.message_store import MessageStore
from tickets.people_app import account_workflow
from tickets.publication import Publication
from tickets.snoozing import Snoozing
from tickets.ticket_store import TicketStore
from tickets.ticket_timers import ticket_timers

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIVES, STEPS = 20, 25
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

PRESETS: Mapping[str, timedelta | None] = {
    "guide": None,
    "status_page": timedelta(days=3),
    "zendesk": timedelta(days=40),
}
"""Until when after its closing a mail or SMS ticket is reopened by its customer; chats never are."""

MOST_TICKETS = 4
"""Of a life, but for those that follow others: the fewer there are, the more happens to each."""

AGENTS = ("ann", "ben")
MAILERS = ("carl@customer.example", "dora@customer.example")
PHONES = ("+33612345678", "+33687654321")
"""Only the first has agreed to SMS."""

CONVERSATIONS = ("cnv_1", "cnv_2")
T = TypeVar("T")


@dataclass
class Life:
    """A ticket as the model has it; `told` are the events that must have been published of it, in order."""

    id: str
    channel: str
    customer: str
    status: str = "open"
    assignee: str | None = None
    held: bool = False
    epoch: int = 0
    cycle: int = 1
    closed_at: datetime | None = None
    snoozed_until: datetime | None = None
    reopened_at: list[datetime] = field(default_factory=list)
    quiet_since: datetime | None = None
    readers: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    texts: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    mail_id: str = ""
    follow_up_of: str | None = None
    updated_at: datetime = NOON

    def say(self, event: str, now: datetime, **update: Any) -> None:
        """One change with its event; whatever else changes with it."""
        self.told.append(event)
        self.updated_at = now
        for name, value in update.items():
            setattr(self, name, value)

    def add(self, text: str, now: datetime, readers: frozenset[str]) -> None:
        """One more message."""
        self.texts.append(text)
        self.say("message_added", now, readers=readers)

    def open_again(self, event: str, now: datetime, **update: Any) -> None:
        """Back in sight; the customer's silence counts from here."""
        quiet_since = self.quiet_since and now
        cleared = {"status": "open", "snoozed_until": None, "closed_at": None, "quiet_since": quiet_since}
        self.say(event, now, epoch=self.epoch + 1, **cleared, **update)

    def reopen(self, now: datetime) -> None:
        """Open again in a new cycle."""
        self.reopened_at.append(now)
        self.open_again("reopened", now, cycle=self.cycle + 1, held=False)

    def close(self, now: datetime) -> None:
        """Out of the inbox."""
        update = {"status": "closed", "closed_at": now, "snoozed_until": None, "epoch": self.epoch + 1}
        self.say("closed", now, **update)

    def is_reopened_by_customer(self, preset: str, now: datetime) -> bool:
        """What the table says of a message to the closed ticket, but for the brake."""
        window = PRESETS[preset]
        return self.channel != "web_chat" and (window is None or now - cast("datetime", self.closed_at) <= window)

    def is_braked(self, most: int, now: datetime) -> bool:
        """Whether it was reopened too often within the hour."""
        return sum(now - at < timedelta(hours=1) for at in self.reopened_at) >= most

    def lies_with(self, agent: str | None) -> bool:
        """Whether it is in the inbox of an agent, or of nobody."""
        return self.status == "open" and self.assignee == agent

    def shown_to(self, agent: str) -> dict[str, Any]:
        """What the API must say of it to an agent."""
        return {
            "status": self.status,
            "assignee": self.assignee,
            "unread": agent not in self.readers,
            "tags": list(self.tags),
            "cycle": self.cycle,
            "message_count": len(self.texts),
            "follow_up_of": self.follow_up_of,
            "is_asleep": self.snoozed_until is not None,
        }


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
        self.settled, self.steps = 0, 0
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
        await self.auto_closing.run()

    def _replica(self) -> None:
        platform: Platform = self.platform
        store, clock = platform.store, self.clock
        histories = HistoryStore(store)
        publication = Publication(MessageStore(store), histories, platform.blobs, clock)
        desk = Desk(TicketStore(store), History(histories), publication, platform.bus, clock)
        self.timers = ticket_timers(desk.tickets, clock, {UNSNOOZE: Snoozing(desk, clock).wake})
        self.auto_closing = AutoClosing(desk, SettingsCopies(platform, "tickets", areas=("tickets",)), clock)


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
        given = {"account_id": self.account_id, "agent_id": agent_id}
        self.sessions[agent] = await sign_in(self.world.platform, **given)


agents = st.sampled_from(AGENTS)
places = st.integers(0, 50)
"""Which of those that there are, counted round."""

has_tickets = precondition(lambda self: self.lives)


class TicketMachine(RuleBasedStateMachine):
    """One account's life."""

    world: ClassVar[World]

    @initialize(preset=st.sampled_from(sorted(PRESETS)))
    def begin(self, preset: str) -> None:
        """A new account with the presets of a choice."""
        self.company = Company(self.world)
        self.lives: list[Life] = []
        self.threads: dict[str, Life] = {}
        self.received: list[tuple[Any, str | None]] = []
        self.decisions: list[tuple[Life, int, AssignmentDecided]] = []
        self.judged: set[str] = set()
        self.online: set[str] = set()
        self.replies, self.looks = 0, 0
        self.told_before = len(self.world.bus.requests)
        self.run(self.company.found())
        self.set(preset=preset, owner="keep_if_available", auto_close=None, most=5)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """To the end."""
        return self.world.run(coroutine)

    def tick(self) -> datetime:
        """No two commands happen at one moment."""
        self.world.steps += 1
        self.world.clock.advance(timedelta(seconds=1))
        return self.world.clock.now()

    def life(self, place: int) -> Life:
        """One of those there are."""
        return self.lives[place % len(self.lives)]

    def do(self, agent: str, method: str, life: Life, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and problem code of what an agent did with a ticket."""
        answer = self.run(self.company.do(agent, method, f"/v1/tickets/{life.id}/{path}", body, **headers))
        problem = answer.status_code >= httpx.codes.BAD_REQUEST
        return answer.status_code, answer.json()["code"] if problem else ""

    # Customers

    @precondition(lambda self: len(self.lives) < MOST_TICKETS)
    @rule(sender=st.sampled_from(MAILERS))
    def mail_arrives(self, sender: str) -> None:
        """A mail of a new thread reopens the sender's last ticket with `status_page`, and else opens one (X5)."""
        now = self.tick()
        event = self.company.inbox.mail("A new thread", sender=sender)
        closed = [one for one in self.lives if (one.customer, one.status) == (sender, "closed")]
        last = max(closed, key=lambda one: one.updated_at, default=None)
        reopens = self.preset == "status_page" and last and last.is_reopened_by_customer(self.preset, now)
        if last and reopens and not last.is_braked(self.most, now):
            self.joins(last, event, "reopened", now)
        else:
            self.opens(event, sender, now)

    @has_tickets
    @rule(place=places, by_machine=st.booleans())
    def customer_answers(self, place: int, by_machine: bool) -> None:  # noqa: FBT001 - drawn
        """A message into the thread of any ticket, also of one that was closed or continued long ago (X2, L3)."""
        life = self.life(place)
        if life.channel == "sms":
            self.sms_arrives(life.customer)
        elif life.channel == "web_chat":
            self.chat_arrives(life.customer)
        else:
            machine = "auto_reply" if by_machine else None
            refers = {"references": [life.mail_id], "sender": life.customer, "automatic": machine}
            self.arrives(self.company.inbox.mail("Again", **refers), f"mail/{life.mail_id}")

    @has_tickets
    @rule(place=places, agent=agents, chosen=st.none() | agents, hours=st.sampled_from([0, 1, 70, 74, 600, 700]))
    def customer_comes_back(self, place: int, agent: str, chosen: str | None, hours: int) -> None:
        """After its ticket was somebody's and closed, at once or on either side of each preset's window (L3)."""
        self.agent_assigns(place, agent, chosen)
        self.agent_closes(place, agent)
        if hours:
            self.time_passes(hours)
        self.customer_answers(place, by_machine=False)

    @rule(sender=st.sampled_from(PHONES))
    def sms_arrives(self, sender: str) -> None:
        """An SMS joins the one thread of its person (M3)."""
        self.arrives(self.company.inbox.sms("Hello", sender=sender), sender)

    @rule(conversation=st.sampled_from(CONVERSATIONS))
    def chat_arrives(self, conversation: str) -> None:
        """A line of a chat joins its conversation, and opens a ticket that follows it once that is closed (W2)."""
        seq = 1 + sum(event.contact_key == f"vis_{conversation}" for event, _ in self.received)
        given = {"conversation": conversation, "visitor": f"vis_{conversation}", "seq": seq}
        self.arrives(self.company.inbox.chat("Hi", **given), conversation)

    @precondition(lambda self: self.received)
    @rule(place=places, is_same_delivery=st.booleans())
    def message_comes_again(self, place: int, is_same_delivery: bool) -> None:  # noqa: FBT001 - drawn
        """A message that was taken in changes nothing when it comes again (I4)."""
        self.tick()
        event, ticket_id = self.received[place % len(self.received)]
        again = event if is_same_delivery else event.model_copy(update={"id": new_id("dlv")})
        verdict, shown = self.run(self.company.receive(again))

        assert shown == ticket_id
        assert is_same_delivery or verdict == "duplicate"

    # Agents

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_replies(self, place: int, agent: str) -> None:
        """A reply leaves, but for numbers that have not agreed and chats that are over (M5, W2)."""
        now, life = self.tick(), self.life(place)
        answer = self.do(agent, "POST", life, "messages", {"text": "Here."})
        if life.channel == "sms" and life.customer != PHONES[0]:
            assert answer == (409, "no_sms_consent")
        elif life.channel == "web_chat" and life.status == "closed":
            assert answer == (409, "conversation_closed")
        else:
            assert answer == (201, "")
            self.replies += 1
            life.add("Here.", now, frozenset({agent}))
            life.quiet_since = now

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_notes(self, place: int, agent: str) -> None:
        """A note joins the thread and never leaves (N1, W5)."""
        now, life = self.tick(), self.life(place)
        life.add("Between us.", now, frozenset({agent}))

        assert self.do(agent, "POST", life, "notes", {"text": "Between us."}) == (201, "")

    @has_tickets
    @rule(place=places, agent=agents, chosen=st.none() | agents)
    def agent_assigns(self, place: int, agent: str, chosen: str | None) -> None:
        """By hand: to anybody, or to nobody, which holds the ticket (A6, A8)."""
        now, life = self.tick(), self.life(place)
        if (chosen, chosen is None) != (life.assignee, life.held):
            said = "assigned" if chosen else "unassigned"
            life.say(said, now, assignee=chosen, held=chosen is None, epoch=life.epoch + 1)

        assert self.do(agent, "PUT", life, "assignee", {"agent_id": self.company.agent_id(chosen)}) == (200, "")

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_closes(self, place: int, agent: str) -> None:
        """Closing again changes nothing (L1)."""
        now, life = self.tick(), self.life(place)
        if life.status != "closed":
            life.close(now)

        assert self.do(agent, "POST", life, "close") == (200, "")

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_reopens(self, place: int, agent: str) -> None:
        """From closed where the preset lets agents, never a chat (L3); from snoozed always (L2)."""
        now, life = self.tick(), self.life(place)
        answer = self.do(agent, "POST", life, "reopen")
        if life.status == "closed" and (life.channel == "web_chat" or self.preset == "status_page"):
            assert answer == (409, "reopen_forbidden")
            return
        if life.status == "closed":
            life.reopen(now)
        if life.status == "snoozed":
            life.open_again("unsnoozed", now)

        assert answer == (200, "")

    @has_tickets
    @rule(place=places, agent=agents, hours=st.sampled_from([1, 24, 200]))
    def agent_snoozes(self, place: int, agent: str, hours: int) -> None:
        """Out of sight until a moment; what is closed is so already (L2)."""
        now, life = self.tick(), self.life(place)
        until = now + timedelta(hours=hours)
        answer = self.do(agent, "POST", life, "snooze", {"until": until.isoformat()})
        if life.status == "closed":
            assert answer == (409, "ticket_closed")
        else:
            assert answer == (200, "")
            life.say("snoozed", now, status="snoozed", snoozed_until=until, epoch=life.epoch + 1)

    @has_tickets
    @rule(place=places, agent=agents, is_read=st.booleans())
    def agent_reads(self, place: int, agent: str, is_read: bool) -> None:  # noqa: FBT001 - drawn
        """Read and unread are each agent's own (V2)."""
        self.tick()
        life = self.life(place)
        life.readers = life.readers | {agent} if is_read else life.readers - {agent}

        assert self.do(agent, "POST", life, "read" if is_read else "unread") == (200, "")

    @has_tickets
    @rule(place=places, agent=agents, tags=st.lists(st.sampled_from(["vip", "refund"]), unique=True))
    def agent_tags(self, place: int, agent: str, tags: list[str]) -> None:
        """Exactly these tags; the same set again is no change."""
        now, life = self.tick(), self.life(place)
        if set(tags) != set(life.tags):
            life.say("tags_changed", now, tags=tuple(tags))

        assert self.do(agent, "PUT", life, "tags", {"tags": tags}) == (200, "")

    @has_tickets
    @rule(place=places, agent=agents, path=st.sampled_from(["close", "reopen", "messages", "notes"]))
    def agent_acts_on_what_is_past(self, place: int, agent: str, path: str) -> None:
        """Who says which version they saw is refused once it has changed, and nothing happens (L6)."""
        self.tick()
        body = {"text": "Too late"} if path in {"messages", "notes"} else None
        answer = self.do(agent, "POST", self.life(place), path, body, **{"If-Match": "0"})

        assert answer == (412, "stale") or answer[0] == httpx.codes.CONFLICT

    # The router, timers, settings

    @has_tickets
    @rule(place=places, agent=agents, is_prompt=st.booleans())
    def router_decides(self, place: int, agent: str, is_prompt: bool) -> None:  # noqa: FBT001 - drawn
        """A decision is made about a ticket as it is now; it is heard of at once, some time later, or never."""
        life = self.life(place)
        decision = AssignmentDecided(
            id=new_id("dec"),
            account_id=self.company.account_id,
            time=self.tick(),
            ticket_id=life.id,
            assignment_epoch=self.world.bus.of_tickets[life.id][-1].ticket.assignment_epoch,
            agent_id=self.company.agent_id(agent),
            rule="round_robin",
        )
        self.decisions.append((life, life.epoch, decision))
        if is_prompt:
            self.decision_arrives(len(self.decisions) - 1)

    @precondition(lambda self: self.decisions)
    @rule(place=places)
    def decision_arrives(self, place: int) -> None:
        """It is applied if nothing that matters was decided since, else refused and why; once (A2, A6)."""
        now = self.tick()
        life, epoch, decision = self.decisions[place % len(self.decisions)]
        reason = self.objection(life, epoch)
        is_new = decision.id not in self.judged
        self.judged.add(decision.id)
        self.run(self.world.bus.publish([decision]))
        if is_new and reason is None:
            agent = str(decision.agent_id).rpartition("_")[2]
            life.say("assigned", now, assignee=agent)
        elif is_new:
            life.told.append("assignment_refused")
            last = self.world.bus.of_tickets[life.id][-1]
            assert isinstance(last, TicketAssignmentRefused)
            assert (last.decision_id, last.reason) == (decision.id, reason)

    @rule(agent=agents, is_online=st.booleans())
    def agent_comes_or_goes(self, agent: str, is_online: bool) -> None:  # noqa: FBT001 - drawn
        """Who is online keeps what is reopened (L3)."""
        self.tick()
        (self.online.add if is_online else self.online.discard)(agent)
        fields = {"agent_id": self.company.agent_id(agent), "online": is_online, "cause": "agent"}
        self.run(self.company.tell(AgentAvailabilityChanged, **fields))

    @rule(
        preset=st.sampled_from(sorted(PRESETS)),
        owner=st.sampled_from(["keep", "queue", "keep_if_available"]),
        auto_close=st.sampled_from([None, 48]),
        most=st.sampled_from([1, 5]),
    )
    def set(self, preset: str, owner: str, auto_close: int | None, most: int) -> None:
        """Settings hold at once (design: at most a second)."""
        self.tick()
        self.preset, self.owner, self.auto_close, self.most = preset, owner, auto_close, most
        rules = {channel: {"owner": owner, "max_per_hour": most} for channel in ("email", "sms")}
        patch = {"reopen_preset": preset, "reopen": rules, "auto_close_after_hours": auto_close}
        answer = self.run(self.company.do("ann", "PATCH", "/v1/settings/tickets", patch))

        assert answer.status_code == httpx.codes.OK, answer.text

    @rule(hours=st.sampled_from([1, 12, 49, 80, 700]))
    def time_passes(self, hours: int) -> None:
        """Snoozes end, however late, and then what was quiet too long is closed (L2, L4)."""
        self.world.clock.advance(timedelta(hours=hours))
        now = self.tick()
        self.run(self.world.settle())
        for life in self.lives:
            if life.snoozed_until is not None and life.snoozed_until <= now:
                life.open_again("unsnoozed", now)
            limit = self.auto_close and now - timedelta(hours=self.auto_close)
            if limit and life.status == "open" and life.quiet_since is not None and life.quiet_since <= limit:
                life.close(now)

    # The law

    @invariant()
    def what_an_agent_sees_is_what_the_model_says(self) -> None:
        """Now the one's eyes, now the other's; the views at every third step, and both agents in the end."""
        self.looks += 1
        agent = AGENTS[self.looks % len(AGENTS)]
        self.tickets_are_seen_by(agent)
        if self.looks % 3 == 0:
            self.views_are_seen_by(agent)

    def tickets_are_seen_by(self, agent: str) -> None:
        """Status, unread and all else that an agent is shown (L1, V2)."""
        shown = self.run(self.company.tickets(agent, status="any"))
        seen = {ticket_id: self.seen(ticket) for ticket_id, ticket in shown.items()}

        assert seen == {life.id: life.shown_to(agent) for life in self.lives}

    def views_are_seen_by(self, agent: str) -> None:
        """Each ticket in its views, and the badge (V1, V2)."""
        views = {view: set(self.run(self.company.tickets(agent, view=view))) for view in ("mine", "unassigned", "all")}
        unread = self.run(self.company.get(agent, "/v1/tickets/counts"))["unread"]["count"]
        inboxes = [life for life in self.lives if life.lies_with(agent) or life.lies_with(None)]

        assert views == {
            "mine": {life.id for life in self.lives if life.lies_with(agent)},
            "unassigned": {life.id for life in self.lives if life.lies_with(None)},
            "all": {life.id for life in self.lives if life.status == "open"},
        }
        assert unread == sum(agent not in life.readers for life in inboxes)

    @invariant()
    def events_are_told_once_and_without_a_gap(self) -> None:
        """Each change is one event, numbered on from the one before (L5)."""
        for life in self.lives:
            told = [(event.seq, event.type.split(".")[2]) for event in self.world.bus.of_tickets[life.id]]
            assert told == list(enumerate(life.told, start=1))
        assert len(self.world.bus.requests) - self.told_before == self.replies

    def teardown(self) -> None:
        """The stored history and thread of every ticket are those told, and both agents agree with the model."""
        for agent in AGENTS:
            self.tickets_are_seen_by(agent)
            self.views_are_seen_by(agent)
        for life in self.lives:
            history = self.run(self.company.get("ann", f"/v1/tickets/{life.id}/events"))["items"]
            thread = self.run(self.company.get("ann", f"/v1/tickets/{life.id}/messages"))["items"]
            kept = [(event["seq"], event["type"].split(".")[2]) for event in history]

            assert kept == list(enumerate(life.told, start=1))
            assert [(one["seq"], one["text"]) for one in thread] == list(enumerate(life.texts, start=1))

    # The model's own part

    def arrives(self, event: Any, thread: str) -> None:
        """A message for the ticket that has a thread now, decided by the table (field notes 6.2)."""
        now, life = self.tick(), self.threads.get(thread)
        if life is None:
            self.opens(event, thread, now)
        elif event.automatic is not None:
            self.joins(life, event, "automatic", now)
        elif life.status != "closed":
            self.joins(life, event, "appended", now)
        elif not life.is_reopened_by_customer(self.preset, now):
            self.opens(event, life.customer, now, follows=life, thread=thread)
        else:
            self.joins(life, event, "appended" if life.is_braked(self.most, now) else "reopened", now)

    def opens(
        self, event: Any, customer: str, now: datetime, follows: Life | None = None, thread: str | None = None
    ) -> None:
        """A new ticket with its first message; what it follows gives it all that leads there."""
        mail_id = event.mail.message_id if event.mail else ""
        verdict, ticket_id = self.run(self.company.receive(event))
        life = Life(id=str(ticket_id), channel=event.channel, customer=customer, mail_id=mail_id, told=["created"])
        life.follow_up_of = follows.id if follows else None
        life.add(event.text, now, frozenset())
        self.received.append((event, ticket_id))
        if follows is not None:
            self.threads |= {key: life for key, one in self.threads.items() if one is follows}
        self.threads[f"mail/{mail_id}" if mail_id else thread or customer] = life

        assert verdict == "created"
        assert ticket_id not in {one.id for one in self.lives}
        self.lives.append(life)

    def joins(self, life: Life, event: Any, verdict: str, now: datetime) -> None:
        """A message of a ticket that there is, and what it does to that."""
        if verdict == "reopened":
            life.reopen(now)
            stays = self.owner == "keep" or (self.owner == "keep_if_available" and life.assignee in self.online)
            if life.assignee is not None and not stays:
                life.say("unassigned", now, assignee=None, epoch=life.epoch + 1)
        elif verdict == "appended" and life.status == "snoozed":
            life.open_again("unsnoozed", now)
        by_machine = event.automatic is not None
        life.add(event.text, now, life.readers if by_machine else frozenset())
        life.quiet_since = life.quiet_since if by_machine else None
        self.received.append((event, life.id))

        assert self.run(self.company.receive(event)) == (verdict, life.id)

    def objection(self, life: Life, epoch: int) -> str | None:
        """Why a decision made at an epoch no longer applies."""
        if epoch != life.epoch:
            return "stale_epoch"
        if life.status != "open":
            return "not_open"
        if life.assignee is not None:
            return "already_assigned"
        return "held" if life.held else None

    def seen(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """A ticket of the API in the words of the model."""
        assignee = ticket["assignee"] and ticket["assignee"]["name"]
        asleep = {"is_asleep": ticket["snoozed_until"] is not None}
        return {name: ticket.get(name) for name in Life("", "", "").shown_to("")} | {"assignee": assignee} | asleep


@contextmanager
def a_world(folder: Path, valkey_url: str, new_inbox: Callable[[str], Any]) -> Iterator[World]:
    """The service for as long as the block runs."""
    world = World(folder, valkey_url, new_inbox)
    with world.runner:
        world.run(world.start())
        yield world
        world.run(world.stop())


def test_any_life_of_tickets_is_as_the_model_says(tmp_path: Path, valkey_url: str, inbox: Any):
    """Whatever happens in whatever order: status, views, unread, events, reopening are the model's (L1-L6, V1-V2)."""
    with a_world(tmp_path, valkey_url, type(inbox)) as world:
        TicketMachine.world = world
        lives = settings(max_examples=LIVES, stateful_step_count=STEPS)
        run_state_machine_as_test(TicketMachine, settings=lives)

        assert world.steps > LIVES * STEPS / 2
