"""Tickets on real engines, and builders for what its rules judge."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from pydantic import BaseModel

from contracts.contacts import Consent, ContactChanged, ContactIdentity, ContactUpdated, SmsConsent
from contracts.directories import ScheduleDirectory, TeamDirectory, TeamEntry
from contracts.envelope import Event
from contracts.ids import derive_id, new_id
from contracts.inbound import Automatic, ChatDetails, InboundMessageReceived, MailHeaders, SmsDetails
from contracts.people import Party
from contracts.settings import (
    AccountSettings,
    Area,
    AssignmentSettings,
    ChatSettings,
    EmailSettings,
    SettingsChanged,
    SmsSettings,
    SupportAddress,
    TicketSettings,
)
from contracts.topics import CONTACTS, OUTBOUND_MESSAGES, TICKET_EVENTS
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SETTINGS_COPIES, copy_id
from service_kit.testing.callers import sign_in
from service_kit.testing.dying_service import DyingService, Request
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.app import create_service
from tickets.ledger.intake_entry import INTAKE, IntakeEntry
from tickets.people.account_workflow import NewAccount
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.people_app import account_workflow
from tickets.ticket.model import Correspondence, Ticket

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCOUNT = "acc_1"
SUPPORT = "support@acme.example"
OUR_NUMBER = "+12025550123"
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

Running = Callable[..., AbstractAsyncContextManager[None]]


class Inbox:
    """Messages as gateways hand them over. The same provider id is the same message, each call another delivery."""

    def __init__(self, account_id: str = ACCOUNT) -> None:
        self.account_id = account_id

    def mail(
        self,
        text: str = "Where is my order?",
        *,
        sender: str = "carl@customer.example",
        mail_id: str | None = None,
        to: Sequence[str] = (SUPPORT,),
        cc: Sequence[str] = (),
        references: Sequence[str] = (),
        in_reply_to: Sequence[str] = (),
        token: str | None = None,
        automatic: str | None = None,
        **given: Any,
    ) -> InboundMessageReceived:
        """A mail."""
        mail_id = mail_id if mail_id is not None else f"{new_id('mail')}@customer.example"
        headers = MailHeaders(
            message_id=mail_id,
            references=tuple(references),
            in_reply_to=tuple(in_reply_to),
            to=tuple(to),
            cc=tuple(cc),
            reply_token=token,
        )
        details = {"mail": headers, "recipient": SUPPORT, "subject": "Order", "sender": Party(email=sender)}
        marked = Automatic(kind=automatic, rule="test") if automatic else None
        return self._message("email", sender, mail_id or new_id("m"), text, automatic=marked, **{**details, **given})

    def sms(
        self,
        text: str = "Hello",
        *,
        sender: str = "+33612345678",
        provider_id: str | None = None,
        number: str = OUR_NUMBER,
        keyword: str | None = None,
        **given: Any,
    ) -> InboundMessageReceived:
        """An SMS."""
        details = {
            "sms": SmsDetails(number=number, keyword=keyword, campaign_id=given.pop("campaign_id", None)),
            "recipient": number,
            "sender": Party(phone=sender),
        }
        return self._message("sms", sender, provider_id or new_id("SM"), text, **{**details, **given})

    def chat(
        self,
        text: str = "Hi",
        *,
        conversation: str = "cnv_1",
        visitor: str = "vis_1",
        seq: int = 1,
        follow_up_of: str | None = None,
        **given: Any,
    ) -> InboundMessageReceived:
        """A line of a chat."""
        details = {
            "chat": ChatDetails(conversation_id=conversation, conversation_seq=seq, follow_up_of=follow_up_of),
            "recipient": "chat",
            "sender": Party(visitor_id=visitor),
        }
        provider_id = f"{conversation}/{seq}"
        return self._message("web_chat", visitor, provider_id, text, **{**details, **given})

    def _message(
        self, channel: str, contact_key: str, provider_id: str, text: str, **given: Any
    ) -> InboundMessageReceived:
        fields = {
            "id": new_id("dlv"),
            "account_id": self.account_id,
            "time": NOON,
            "message_id": derive_id("msg", self.account_id, provider_id),
            "provider_message_id": provider_id,
            "channel": channel,
            "contact_key": contact_key,
            "text": text,
            "received_at": NOON,
        }
        return InboundMessageReceived.model_validate({**fields, **given})


@dataclass(slots=True)
class Bench:
    """A running tickets service; `http` is an agent's session, `told` everything it published, in order."""

    platform: Platform
    service: Service
    clock: ManualClock
    http: httpx.AsyncClient
    inbox: Inbox = field(default_factory=Inbox)
    told: list[Event] = field(default_factory=list)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)

    async def set(self, area: Area, value: BaseModel, account_id: str = ACCOUNT) -> None:
        """Have settings published by their owner, and wait until tickets has its copy."""
        wanted = value.model_dump(mode="json")
        if area in {"account", "tickets"}:
            answer = await self.do("PATCH", f"/v1/settings/{area}", wanted)
            assert answer.status_code == httpx.codes.OK, answer.text
        else:
            version = self.versions[(account_id, area)] = self.versions.get((account_id, area), 0) + 1
            fields = {"id": new_id("evt"), "account_id": account_id, "time": self.clock.now()}
            changed = SettingsChanged(**fields, area=area, version=version, value=wanted)
            await self.platform.bus.publish([changed])

        async def has_copy() -> bool:
            copy = await self.platform.store.collection(SETTINGS_COPIES).get(copy_id(account_id, area))
            return copy is not None and json.loads(copy.value) == wanted

        await eventually(has_copy, seconds=15)

    async def receive(self, *events: InboundMessageReceived) -> list[IntakeEntry]:
        """Hand messages over the bus; the verdicts, once all are in the ledger."""
        await self.platform.bus.publish(events)
        ids = [event.id for event in events]

        async def entered() -> list[IntakeEntry]:
            found = await self.platform.store.collection(INTAKE).get_many(ids)
            return [found[an_id] for an_id in ids] if len(found) == len(set(ids)) else []

        return await eventually(entered, seconds=15)

    async def consents(self, **said: bool) -> None:
        """An outside system reports consent of Carl's number, and tickets has taken it in."""
        before = len(self.heard(ContactChanged))
        report = ContactUpdated(
            id=new_id("evt"),
            account_id=ACCOUNT,
            time=self.clock.now(),
            contact=ContactIdentity(phone="+33612345678"),
            consent=Consent(sms=SmsConsent(**said)),
        )
        await self.platform.bus.publish([report])
        await self.hear(ContactChanged, count=before + 1)

    async def get(self, path: str, **query: Any) -> Any:
        """What the API says."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def do(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request."""
        return await self.http.request(method, path, json=body, headers=headers)

    async def tickets(self, **query: Any) -> list[dict[str, Any]]:
        """All tickets by number, which is the order in which they were opened."""
        page = await self.get("/v1/tickets", **{"status": "any", **query})
        return sorted(page["items"], key=lambda ticket: int(ticket["number"]))

    async def thread(self, ticket_id: str | None) -> list[tuple[str, str]]:
        """Kind and text of the messages of a ticket."""
        page = await self.get(f"/v1/tickets/{ticket_id}/messages")
        return [(message["kind"], message["text"]) for message in page["items"]]

    def heard(self, kind: type[Event], /, **fields: Any) -> list[Any]:
        """Published events of a kind with these fields."""
        return [
            event
            for event in self.told
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())
        ]

    async def hear(self, kind: type[Event], /, count: int = 1, **fields: Any) -> list[Any]:
        """The same, once there are so many."""
        return await eventually(lambda: found if len(found := self.heard(kind, **fields)) >= count else [], seconds=15)

    async def as_agent(self, agent_id: str, account_id: str = ACCOUNT) -> dict[str, str]:
        """The headers of another agent's session."""
        return await sign_in(self.platform, account_id=account_id, agent_id=agent_id)

    async def hire(self, agent_id: str, name: str, account_id: str = ACCOUNT) -> None:
        """Add an agent."""
        agent = Agent(
            id=agent_id,
            account_id=account_id,
            name=name,
            email=f"{agent_id}@acme.example",
            role="support",
            login=f"{agent_id}@acme.example",
            password_hash="none",
            created_at=NOON,
            updated_at=NOON,
        )
        await AgentStore(self.platform.store).insert(agent)


_DEFAULTS: dict[Area, BaseModel] = {
    "assignment": AssignmentSettings(),
    "teams": TeamDirectory(teams={"tea_1": TeamEntry(id="tea_1", name="Billing")}),
    "schedules": ScheduleDirectory(),
    "email": EmailSettings(addresses={SUPPORT: SupportAddress()}),
    "sms": SmsSettings(),
    "chat": ChatSettings(),
}
"""What other services would have published for a new account."""


async def _hire_company(bench: Bench, account_id: str) -> None:
    wanted = NewAccount(
        name="Acme",
        owner_name="Oscar",
        email=f"oscar@{account_id.replace('_', '-')}.example",
        password="correct horse battery",
        account_id=account_id,
    )
    await account_workflow(bench.platform, hasher=CHEAP_HASHER).create(wanted)
    await asyncio.gather(*(bench.set(area, value, account_id) for area, value in _DEFAULTS.items()))


@pytest_asyncio.fixture
async def bench(make_platform: Callable[..., Platform], running: Running) -> AsyncIterator[Bench]:
    """The service on real engines at noon, with one account and its agents Ann (`agt_1`) and Ben (`agt_2`)."""
    clock = ManualClock(NOON)
    platform = make_platform("tickets", clock=clock)
    service = create_service(platform, hasher=CHEAP_HASHER)
    observer = make_platform("reporting")
    told: list[Event] = []

    async def note(events: Sequence[Event]) -> None:
        told.extend(events)

    for topic in (TICKET_EVENTS, OUTBOUND_MESSAGES, CONTACTS):
        observer.bus.subscribe(Subscription(topic, "observer", note))
    transport = httpx.ASGITransport(app=service.api)
    async with running(service):
        await observer.bus.start()
        headers = await sign_in(platform, account_id=ACCOUNT, agent_id="agt_1")
        async with httpx.AsyncClient(transport=transport, base_url="http://deskbus.test", headers=headers) as http:
            bench = Bench(platform, service, clock, http, told=told)
            await _hire_company(bench, ACCOUNT)
            await bench.hire("agt_1", "Ann")
            await bench.hire("agt_2", "Ben")
            yield bench
        await observer.bus.stop()


@pytest.fixture
def dies_at(tmp_path: Path, valkey_url: str) -> Callable[..., Awaitable[int | None]]:
    """Lets a real tickets service begin in a process of its own, and die at a crash point; how that process ended."""

    async def die(point: str, *requests: Request, first: Sequence[Request] = ()) -> int | None:
        life = DyingService(
            package="tickets", home=tmp_path, valkey_url=valkey_url, point=point, first=tuple(first), requests=requests
        )
        return await life.die()

    return die


@pytest.fixture(scope="session")
def first_settings() -> Callable[..., list[SettingsChanged]]:
    """Tells of the settings of a new account, as their owners do; some areas may be given."""

    def tell(now: datetime, **areas: BaseModel) -> list[SettingsChanged]:
        told = {
            "account": AccountSettings(),
            "tickets": TicketSettings(),
            **_DEFAULTS,
            "email": EmailSettings(),
            **areas,
        }
        return [
            SettingsChanged.model_validate(
                {"id": f"evt_{area}", "account_id": ACCOUNT, "time": now, "area": area, "version": 1}
                | {"value": value.model_dump(mode="json")}
            )
            for area, value in told.items()
        ]

    return tell


@pytest.fixture(scope="session")
def inbox() -> Inbox:
    """Builds messages as gateways hand them over."""
    return Inbox()


@pytest.fixture(scope="session")
def make_ticket() -> Callable[..., Ticket]:
    """Builds tickets for rules to judge."""

    def make(**given: Any) -> Ticket:
        fields: dict[str, Any] = {
            "id": "tic_1",
            "account_id": ACCOUNT,
            "number": 1,
            "thread_key": None,
            "channel": "email",
            "subject": "Order",
            "contact_id": "con_1",
            "correspondence": Correspondence(
                ours=SUPPORT, theirs="carl@customer.example", contact_key="carl@customer.example"
            ),
            "cycle_opened_at": NOON,
            "created_at": NOON,
            "updated_at": NOON,
        }
        return Ticket(**{**fields, **given})

    return make
