"""A reply that comes a year later: real SMTP in and out, and a clock that the test turns.

No process of the shared system can be told that a year has passed: the three services that mail goes through run here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import Any

import aiosmtplib
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from argon2 import PasswordHasher
from pydantic import BaseModel

import ingest_email.app
import notifier.app
import tickets.app
from contracts.directories import ScheduleDirectory, TeamDirectory
from contracts.ids import new_id
from contracts.settings import Area, AssignmentSettings, ChatSettings, SettingsChanged, SmsSettings
from end_to_end.process import free_ports
from ingest_email.address_book import AddressBook
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory
from tickets.people.account_workflow import NewAccount
from tickets.people_app import account_workflow

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCOUNT, SUPPORT, ZOE = "acc_1", "support@acme.example", "zoe@customer.example"
_CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_OF_OTHERS: dict[Area, BaseModel] = {
    "assignment": AssignmentSettings(),
    "teams": TeamDirectory(),
    "schedules": ScheduleDirectory(),
    "sms": SmsSettings(),
    "chat": ChatSettings(),
}
"""What the services that do not run here would have published for a new account."""


@dataclass
class Mailbox:
    """The relay, and with it the mailbox of every customer."""

    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its API
        """Keep a mail."""
        self.mails.append(message_from_bytes(envelope.original_content or b"", policy=default))
        return "250 OK"


@dataclass
class Desk:
    """The account as its customer and its agent meet it."""

    mailbox: Mailbox
    clock: ManualClock
    smtp_port: int
    http: httpx.AsyncClient

    async def write(self, text: str, *, to: str = SUPPORT, answering: Message | None = None) -> None:
        """A mail from the customer."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = ZOE, to, "My order"
        mail["Message-ID"] = f"<{new_id('mail')}@customer.example>"
        if answering is not None:
            mail["In-Reply-To"] = mail["References"] = str(answering["Message-ID"])
        mail.set_content(text)
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=self.smtp_port, start_tls=False)

    async def tickets(self) -> list[dict[str, Any]]:
        """All of them."""
        items: list[dict[str, Any]] = (await self.http.get("/v1/tickets", params={"status": "any"})).json()["items"]
        return items


@asynccontextmanager
async def open_desk(make_platform: PlatformFactory) -> AsyncIterator[Desk]:
    """The services of mail on real engines, at noon."""
    clock, mailbox, loop = ManualClock(NOON), Mailbox(), asyncio.get_running_loop()
    (smtp_port,) = free_ports(1)
    relay = await loop.create_server(lambda: SMTP(mailbox, hostname="relay.example", loop=loop), "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
    made = {name: make_platform(name, clock=clock) for name in ("tickets", "ingest-email", "notifier")}
    made = {
        name: replace(one, settings=one.settings.model_copy(update={"smtp_port": smtp_port, "smtp_relay_url": url}))
        for name, one in made.items()
    }
    desk_service = tickets.app.create_service(made["tickets"], hasher=_CHEAP_HASHER)
    services = [
        (desk_service, made["tickets"]),
        (ingest_email.app.create_service(made["ingest-email"]), made["ingest-email"]),
        (notifier.app.create_service(made["notifier"]), made["notifier"]),
    ]
    transport = httpx.ASGITransport(app=desk_service.api)
    async with relay, make_platform.running(*services):
        owner = NewAccount(
            name="Acme",
            owner_name="Oscar",
            email="oscar@acme.example",
            password="correct horse battery",
            account_id=ACCOUNT,
        )
        created = await account_workflow(made["tickets"], hasher=_CHEAP_HASHER).create(owner)
        await made["tickets"].bus.publish([_published(area, shape) for area, shape in _OF_OTHERS.items()])
        book = AddressBook(made["ingest-email"])
        await book.area.ensure(ACCOUNT)
        await book.area.patch(ACCOUNT, {"addresses": {SUPPORT: {"from_name": "Acme"}}})
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as http:
            http.headers.update(await sign_in(made["tickets"], account_id=ACCOUNT, agent_id=created.agent_id))
            yield Desk(mailbox, clock, smtp_port, http)


def _published(area: Area, value: BaseModel) -> SettingsChanged:
    facts = {"id": new_id("evt"), "account_id": ACCOUNT, "time": NOON, "area": area, "version": 1}
    return SettingsChanged.model_validate({**facts, "value": value.model_dump(mode="json")})


async def test_a_reply_to_a_ticket_that_was_closed_a_year_ago_reopens_it(make_platform: PlatformFactory) -> None:
    """Whatever the time, the answer to our mail is the same conversation: reopened, in a new cycle (X5, L5)."""
    async with open_desk(make_platform) as desk:
        await desk.write("Where is my order?")
        (ticket,) = await eventually(desk.tickets, seconds=20)
        await desk.http.post(f"/v1/tickets/{ticket['id']}/messages", json={"text": "On its way."})
        (ours,) = await eventually(lambda: desk.mailbox.mails, seconds=10)
        closed = await desk.http.post(f"/v1/tickets/{ticket['id']}/close")
        desk.clock.advance(timedelta(days=366))
        await desk.write("It has come. One more question.", answering=ours)

        async def reopened() -> dict[str, Any] | None:
            (only,) = await desk.tickets()
            return only if only["status"] == "open" else None

        after = await eventually(reopened, seconds=10)

    assert closed.is_success
    assert (after["id"], after["cycle"], after["message_count"]) == (ticket["id"], 2, 3)
