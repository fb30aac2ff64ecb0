"""A router running on real engines, and the other side of its topics: what tickets would say, and what it hears."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from contracts.contacts import ContactChanged
from contracts.directories import AgentDirectory, AgentEntry
from contracts.envelope import Event
from contracts.people import Actor, Role
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided
from contracts.settings import AccountSettings, Area, SettingsChanged
from contracts.tickets import (
    TicketAssigned,
    TicketAssignmentRefused,
    TicketCreated,
    TicketEvent,
    TicketFacts,
    TicketUnassigned,
)
from contracts.topics import ASSIGNMENT_DECISIONS, PRESENCE_EVENTS, SETTINGS_EVENTS
from router.app import create_service
from service_kit.auth import EVERY_SCOPE, Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Ticket:
    """A ticket as tickets would keep it: it numbers its events and holds the facts."""

    account_id: str
    facts: TicketFacts
    seq: int = 0

    def event(
        self, kind: type[TicketEvent], at: datetime, *, more: dict[str, Any] | None = None, **changes: Any
    ) -> TicketEvent:
        """The next event of this ticket, after `changes` to its facts; `more` are fields of the event itself."""
        self.seq += 1
        self.facts = self.facts.model_copy(update={"version": self.seq, **changes})
        return kind(
            id=f"evt_{self.facts.id}_{self.seq}",
            account_id=self.account_id,
            time=at,
            ticket_id=self.facts.id,
            seq=self.seq,
            actor=Actor(kind="system"),
            cause="test",
            ticket=self.facts,
            **(more or {}),
        )


@dataclass
class World:
    """Everything around the router. `applies`: whether tickets applies the decisions it hears of."""

    clock: ManualClock
    router: Platform
    outside: Platform
    http: httpx.AsyncClient
    decisions: list[AssignmentDecided] = field(default_factory=list)
    presence: list[AgentAvailabilityChanged] = field(default_factory=list)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    applies: bool = True
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    areas: dict[tuple[str, str], SettingsChanged] = field(default_factory=dict)

    async def tell(self, *events: Event) -> None:
        """Publish what tickets would."""
        await self.outside.bus.publish(list(events))

    async def settings(self, account_id: str, area: Area, value: dict[str, Any]) -> None:
        """Publish an area that tickets owns."""
        version = self.versions[account_id, area] = self.versions.get((account_id, area), 0) + 1
        event = SettingsChanged(
            id=f"evt_{account_id}_{area}_{version}",
            account_id=account_id,
            time=self.clock.now(),
            area=area,
            version=version,
            value=value,
        )
        await self.tell(event)

    async def agents(self, account_id: str, *names: str, inactive: Sequence[str] = ()) -> None:
        """Publish who works there; each name signs in with itself as the token."""
        credentials = Credentials(self.outside.redis, self.clock)
        entries = {}
        for name in (*names, *inactive):
            agent_id = f"{account_id}-{name}"
            entries[agent_id] = AgentEntry(
                id=agent_id,
                name=name,
                email=f"{name}@acme.example",
                role=_role_of(name),
                active=name not in inactive,
            )
            session = self.principal(account_id, name)
            await credentials.put(hash_token(agent_id), session, expires_at=None)
            key = replace(session, kind="service", credential_id=f"key-{agent_id}")
            await credentials.put(hash_token(f"{agent_id}-key"), key, expires_at=None)
        await self.settings(account_id, "agents", AgentDirectory(agents=entries).model_dump(mode="json"))

    def principal(self, account_id: str, name: str) -> Principal:
        """The session of an agent."""
        return Principal(
            account_id=account_id,
            kind="agent",
            agent_id=f"{account_id}-{name}",
            role=_role_of(name),
            scopes=frozenset({EVERY_SCOPE}),
            credential_id=f"ses-{account_id}-{name}",
        )

    async def account(self, account_id: str, *names: str) -> None:
        """An account with these agents, set up as far as the router is concerned; `owner` may do everything."""
        await self.settings(account_id, "account", AccountSettings().model_dump(mode="json"))
        await self.agents(account_id, "owner", *names)

        async def is_set_up() -> bool:
            answer = await self.call("GET", "/v1/availability", account_id, "owner")
            return answer.status_code == 200 and len(answer.json()["items"]) == len(names) + 1

        await eventually(is_set_up)

    async def call(self, method: str, path: str, account_id: str, name: str, **arguments: Any) -> httpx.Response:
        """A request with the session of an agent."""
        headers = {"authorization": f"Bearer {account_id}-{name}", **arguments.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **arguments)

    async def made(self, method: str, path: str, account_id: str, **arguments: Any) -> Any:
        """The answer to a request of the owner that must succeed."""
        answer = await self.call(method, path, account_id, "owner", **arguments)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def switch(self, account_id: str, name: str, *, online: bool = True) -> None:
        """An agent goes online or offline."""
        answer = await self.call("PUT", "/v1/agents/me/availability", account_id, name, json={"online": online})
        assert answer.status_code == 200, answer.text

    async def stay_online(self, account_id: str, *names: str) -> None:
        """Agents go online by API keys, so that no jump of the clock loses their sessions."""
        for name in names:
            await self.switch(account_id, f"{name}-key")

    async def create(self, ticket_id: str, account_id: str = "acc", **facts: Any) -> TicketEvent:
        """A customer opens a ticket."""
        ticket = Ticket(account_id, _new_facts(ticket_id, self.clock.now(), **facts))
        self.tickets[ticket_id] = ticket
        created = ticket.event(TicketCreated, self.clock.now())
        await self.tell(created)
        return created

    async def change(self, ticket_id: str, kind: type[TicketEvent], **changes: Any) -> TicketEvent:
        """Something happens to a ticket."""
        event = self.tickets[ticket_id].event(kind, self.clock.now(), **changes)
        await self.tell(event)
        return event

    async def hear(self, events: Sequence[Event]) -> None:
        """Decisions arrive at tickets, which applies or refuses each once, as its own rules say."""
        for event in events:
            assert isinstance(event, AssignmentDecided)
            if all(event.id != known.id for known in self.decisions):
                self.decisions.append(event)
                if self.applies:
                    await self.answer(event)

    async def answer(self, decision: AssignmentDecided) -> None:
        """Apply the decision if the ticket still fits, else refuse it."""
        ticket = self.tickets[decision.ticket_id]
        facts = ticket.facts
        if decision.returned_from is not None:
            await self.take_back(ticket, decision)
            return
        is_free = facts.status == "open" and facts.assignee_id is None and not facts.held
        if not is_free or facts.assignment_epoch != decision.assignment_epoch:
            await self.refuse(decision, "stale_epoch")
            return
        changes = {"assignee_id": decision.agent_id, "team_id": decision.team_id}
        more = {"decision_id": decision.id}
        await self.tell(ticket.event(TicketAssigned, self.clock.now(), more=more, **changes))

    async def take_back(self, ticket: Ticket, decision: AssignmentDecided) -> None:
        """Take the ticket from its assignee if nothing happened to it since, else refuse."""
        if (ticket.facts.assignee_id, ticket.seq) != (decision.returned_from, decision.as_of_seq):
            await self.refuse(decision, "stale_epoch")
            return
        epoch = ticket.facts.assignment_epoch + 1
        await self.change(decision.ticket_id, TicketUnassigned, assignee_id=None, assignment_epoch=epoch)

    async def refuse(self, decision: AssignmentDecided, reason: str) -> None:
        """Refuse the decision."""
        more = {"decision_id": decision.id, "agent_id": decision.agent_id, "reason": reason}
        await self.tell(self.tickets[decision.ticket_id].event(TicketAssignmentRefused, self.clock.now(), more=more))

    async def take_presence(self, events: Sequence[Event]) -> None:
        """Agents come and go."""
        self.presence.extend(event for event in events if isinstance(event, AgentAvailabilityChanged))

    async def take_areas(self, events: Sequence[Event]) -> None:
        """Settings are published; the newest of each area is kept."""
        for event in events:
            assert isinstance(event, SettingsChanged)
            known = self.areas.get((event.account_id, event.area))
            if known is None or known.version < event.version:
                self.areas[event.account_id, event.area] = event

    def area(self, account_id: str, area: Area) -> dict[str, Any]:
        """What was published last of an area; nothing yet: empty."""
        event = self.areas.get((account_id, area))
        return event.value if event else {}

    def chosen(self) -> list[tuple[str, str]]:
        """Which agent each decision named, by ticket."""
        return [(one.ticket_id, one.agent_id.split("-")[-1]) for one in self.decisions if one.agent_id]

    async def queue(self, account_id: str = "acc") -> list[str]:
        """Who waits, in order."""
        answer = await self.made("GET", "/v1/queue", account_id)
        return [item["ticket_id"] for item in answer["items"]]

    async def explained(self, ticket_id: str, account_id: str = "acc") -> list[dict[str, Any]]:
        """The decisions about a ticket."""
        answer = await self.made("GET", f"/v1/tickets/{ticket_id}/decisions", account_id)
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def contact(self, contact_id: str, version: int, *segments: str, account_id: str = "acc") -> None:
        """A contact's segments are told."""
        event = ContactChanged(
            id=f"evt_{contact_id}_{version}",
            account_id=account_id,
            time=self.clock.now(),
            contact_id=contact_id,
            version=version,
            segments=segments,
        )
        await self.tell(event)


def _role_of(name: str) -> Role:
    return "owner" if name == "owner" else "support"


def _new_facts(ticket_id: str, now: datetime, **facts: Any) -> TicketFacts:
    known = {
        "id": ticket_id,
        "number": 1,
        "channel": "email",
        "status": "open",
        "contact_id": f"con-{ticket_id}",
        "assignment_epoch": 1,
        "version": 1,
        "created_at": now,
        "cycle_opened_at": now,
    }
    return TicketFacts.model_validate(known | facts)


@pytest_asyncio.fixture
async def world(
    make_platform: PlatformFactory, running: Callable[..., AbstractAsyncContextManager[None]]
) -> AsyncIterator[World]:
    """A running router and its surroundings, on a clock that stands at noon of a Friday."""
    clock = ManualClock(NOON)
    platform, outside = make_platform("router", clock=clock), make_platform("tickets", clock=clock)
    router = create_service(platform)
    transport = httpx.ASGITransport(app=router.api)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://deskbus"))
        world = World(clock=clock, router=platform, outside=outside, http=http)
        outside.bus.subscribe(Subscription(ASSIGNMENT_DECISIONS, group="tickets", handle=world.hear))
        outside.bus.subscribe(Subscription(PRESENCE_EVENTS, group="tickets", handle=world.take_presence))
        outside.bus.subscribe(Subscription(SETTINGS_EVENTS, group="tickets", handle=world.take_areas))
        tickets = Service(name="tickets", api=FastAPI(), prefixes=())
        await stack.enter_async_context(running(router, tickets))
        yield world
