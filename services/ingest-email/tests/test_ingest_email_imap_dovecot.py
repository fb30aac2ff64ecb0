"""Mailboxes on a real Dovecot: heard of, asked for, read again, interrupted, refused, and never changed (X1)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from engines import wanting
from engines.dovecot import USER, WITHOUT_IDLE, DovecotEngine, find_dovecot
from ingest_email.imap.imap_watched import WatchedMailbox
from service_kit.bus import Bus
from service_kit.bus.port import BusUnavailable
from service_kit.platform import Platform
from service_kit.testing.callers import http_client
from service_kit.testing.eventually import eventually

pytestmark = pytest.mark.engines

PASSWORD = 'open "sesame" \\ ü'
OF_OLD = datetime.now(UTC) - timedelta(days=30)

Running = Callable[..., AbstractAsyncContextManager[DovecotEngine]]


def mail(name: str, size: int = 0) -> bytes:
    """A mail that is told from others by its name."""
    head = (
        f"From: jane@customer.example\nTo: support@acme.example\nSubject: {name}\nMessage-ID: <{name}@customer.example>"
    )
    return f"{head}\nDate: Sun, 22 Nov 2026 09:00:00 +0000\n\nHello.\n{'x' * 70}\n".encode() + b"filling\n" * (
        size // 8
    )


@dataclass
class DownBus:
    """The real bus until a test cuts it off; everything but `publish` goes through."""

    bus: Bus
    is_down: bool = False

    async def publish(self, events: Sequence[Event]) -> None:
        """Publish, or fail as an engine that does not confirm."""
        if self.is_down:
            raise BusUnavailable("the test cut the bus off")
        await self.bus.publish(events)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bus, name)


@pytest.fixture
def dovecot(local_engines: None) -> Running:
    """Runs a Dovecot of the test's own."""
    binary = find_dovecot()
    if binary is None:
        pytest.skip(wanting.reason(wanting.DOVECOT))

    @asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[DovecotEngine]:
        engine = DovecotEngine(binary, password=PASSWORD, **options)
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(engine.__enter__)
            stack.push_async_callback(asyncio.to_thread, engine.__exit__, None, None, None)
            yield engine

    return run


async def read(email: Any, engine: DovecotEngine, **changes: Any) -> None:
    """Have the mailbox read for support@acme.example."""
    mailbox = {"host": "localhost", "port": engine.port, "security": "none", "username": USER, "password": PASSWORD}
    wanted = {**mailbox, "address": "support@acme.example", **changes}
    await email.book.area.patch("acc_1", {"imap": {"main": wanted}})


async def reaches(email: Any, state: str, *, seconds: float = 20) -> WatchedMailbox:
    """The mailbox, as soon as it is in a state."""

    async def found() -> WatchedMailbox | None:
        known: WatchedMailbox | None = (await email.book.mailboxes.of_account("acc_1")).get("main")
        return known if known is not None and known.state == state else None

    watched = await eventually(found, seconds=seconds)
    assert watched is not None
    return watched


async def arrived(email: Any, count: int) -> Sequence[InboundMessageReceived]:
    """So many different messages, as soon as they are there."""
    messages = {event.message_id: event for event in email.events if isinstance(event, InboundMessageReceived)}

    def enough() -> bool:
        messages.update({event.message_id: event for event in email.events if hasattr(event, "message_id")})
        return len(messages) >= count

    await eventually(enough, seconds=30)
    return list(messages.values())


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_new_mail_is_heard_of(serving: Any, dovecot: Running, security: str) -> None:
    """By IDLE, over a verified connection; what was there before stays, and nothing is marked or moved."""
    async with dovecot() as engine, serving(imap_ca_file=engine.ca_file) as email:
        engine.deliver(mail("before"))
        port = engine.tls_port if security == "tls" else engine.port
        await read(email, engine, security=security, port=port)
        await reaches(email, "watching")
        before = engine.names()
        engine.deliver(mail("after"))
        [message] = await arrived(email, 1)
        watched = await reaches(email, "watching")
        names = engine.names()

    assert (message.subject, message.recipient) == ("after", "support@acme.example")
    assert before < names
    assert {name.partition(":2,")[2] for name in names} == {""}
    assert watched.cursor is not None
    assert watched.cursor.last_uid == 2


async def test_the_wait_for_news_is_renewed(serving: Any, dovecot: Running) -> None:
    """Before servers and routers lose patience with a silent connection; it is looked meanwhile, on the same line."""
    async with dovecot() as engine, serving(imap_idle_seconds=0.3) as email:
        await read(email, engine)
        first = await reaches(email, "watching")

        async def looked_again() -> bool:
            known: WatchedMailbox = (await email.book.mailboxes.of_account("acc_1"))["main"]
            assert first.last_seen_at is not None
            assert known.last_seen_at is not None
            return known.last_seen_at > first.last_seen_at + timedelta(seconds=0.6)

        again = await eventually(looked_again)
        failures = [one for one in email.platform.metrics.collect() if one.name == "ingest_email_imap_failures"]

    assert again
    assert [one.samples for one in failures] == [[]]


async def test_a_certificate_for_another_name_is_refused(serving: Any, dovecot: Running) -> None:
    """Though it is the same server, and its authority is trusted."""
    async with dovecot() as engine, serving(imap_ca_file=engine.ca_file) as email:
        await read(email, engine, host="127.0.0.1", security="starttls")
        watched = await reaches(email, "retrying")

    assert watched.last_error == "tls_failed"


async def test_new_mail_is_asked_for_where_a_server_does_not_tell(serving: Any, dovecot: Running) -> None:
    """Without IDLE the mailbox is looked at again and again."""
    async with dovecot(capability=WITHOUT_IDLE) as engine, serving(imap_poll_seconds=0.2) as email:
        engine.deliver(mail("before"))
        await read(email, engine, start_from="all")
        await reaches(email, "polling")
        engine.deliver(mail("after"))
        messages = await arrived(email, 2)

    assert [message.subject for message in messages] == ["before", "after"]


async def test_a_rebuilt_mailbox_is_read_again(serving: Any, dovecot: Running) -> None:
    """UIDs of another meaning: what came meanwhile is taken, what was taken is the same message, old mail stays."""
    async with dovecot() as engine, serving() as email:
        engine.deliver(mail("of old"), arrived_at=OF_OLD)
        await read(email, engine)
        first = await reaches(email, "watching")
        engine.deliver(mail("known"))
        await arrived(email, 1)
        await asyncio.to_thread(engine.kill)
        engine.forget_uids()
        engine.deliver(mail("missed"))
        await asyncio.to_thread(engine.start)
        messages = await arrived(email, 2)
        again = await reaches(email, "watching")

    assert first.cursor is not None
    assert again.cursor is not None
    assert first.cursor.uid_validity != again.cursor.uid_validity
    assert {message.subject for message in messages} == {"known", "missed"}


async def test_a_server_that_dies_midway_loses_nothing(serving: Any, dovecot: Running) -> None:
    """Killed while its mail is being taken, it is read on from where we were, in order (I3, I4)."""
    names = [f"mail-{number:03}" for number in range(150)]
    async with dovecot() as engine, serving() as email:
        for name in names:
            engine.deliver(mail(name))
        await read(email, engine, start_from="all")
        await arrived(email, 3)
        await asyncio.to_thread(engine.kill)
        taken = len(email.events)
        await reaches(email, "retrying")
        await asyncio.to_thread(engine.start)
        messages = await arrived(email, len(names))

    assert taken < len(names)
    assert sorted(str(message.subject) for message in messages) == names
    assert len(email.events) <= len(names) + 1


async def test_mail_waits_in_its_mailbox_while_the_bus_is_down(serving: Any, dovecot: Running) -> None:
    """The cursor follows what is stored and announced, never goes ahead of it (X0, I3)."""
    buses: list[DownBus] = []

    def fragile(platform: Platform) -> Platform:
        buses.append(DownBus(platform.bus))
        return replace(platform, bus=buses[0])

    async with dovecot() as engine, serving(change=fragile) as email:
        await read(email, engine)
        before = await reaches(email, "watching")
        buses[0].is_down = True
        engine.deliver(mail("patient"))
        failed = await reaches(email, "retrying")
        buses[0].is_down = False
        [message] = await arrived(email, 1)

    assert failed.last_error == "unavailable"
    assert failed.cursor == before.cursor
    assert message.subject == "patient"


async def test_a_wrong_password_waits_for_the_right_one(serving: Any, dovecot: Running) -> None:
    """The state says what is wrong, the mailbox is not knocked at, and new settings are tried at once."""
    async with dovecot() as engine, serving() as email:
        await read(email, engine, password="wrong")
        refused = await reaches(email, "retrying")
        await email.book.area.patch("acc_1", {"imap": {"main": {"password": PASSWORD}}})
        healed = await reaches(email, "watching", seconds=5)

    assert (refused.last_error, healed.last_error) == ("login_refused", None)


async def test_a_mail_that_comes_three_ways_is_one_message(serving: Any, dovecot: Running) -> None:
    """Forwarded by SMTP, handed over by a provider, and kept in its mailbox: by its identity it is one (X4)."""
    raw = mail("thrice").replace(b"\n", b"\r\n")
    async with dovecot() as engine, serving() as email:
        await email.book.area.patch("acc_1", {"sendgrid": {"basic": {"username": "in", "password": "secret"}}})
        await read(email, engine)
        await reaches(email, "watching")
        await email.send(raw)
        envelope = json.dumps({"to": ["support@acme.example"], "from": "jane@customer.example"})
        async with http_client(email.api, auth=("in", "secret")) as http:
            form = {"email": raw.decode(), "envelope": envelope}
            answer = await http.post("/v1/email/sendgrid/inbound", data=form)
        engine.deliver(b"Return-Path: <jane@customer.example>\nDelivered-To: support\n" + mail("thrice"))
        events = await eventually(lambda: email.events if len(email.events) == 3 else [], seconds=10)

    assert answer.status_code == 200
    assert len({event.message_id for event in events}) == 1
    assert len({event.id for event in events}) == 3


async def test_a_mail_over_the_limit_is_left_and_told(serving: Any, dovecot: Running) -> None:
    """It has a verdict, stays where it is, and holds up nobody (I2, I7)."""
    async with dovecot() as engine, serving(mail_size_limit_bytes=4096) as email:
        engine.deliver(mail("huge", 8000))
        engine.deliver(mail("small"))
        await read(email, engine, start_from="all")
        events = await eventually(lambda: email.events if len(email.events) == 2 else [], seconds=10)

    [verdict] = [event for event in events if isinstance(event, IntakeVerdictRecorded)]
    [message] = [event for event in events if isinstance(event, InboundMessageReceived)]

    assert (verdict.verdict, verdict.rule, verdict.reason) == ("quarantined", "imap_fetch", "too_large")
    assert verdict.mailbox == "support@acme.example"
    assert message.subject == "small"


async def test_a_mailbox_taken_out_of_the_settings_is_left(serving: Any, dovecot: Running) -> None:
    """Its connection ends and nothing of it is remembered."""
    async with dovecot() as engine, serving() as email:
        await read(email, engine)
        await reaches(email, "watching")
        await email.book.area.patch("acc_1", {"imap": {"main": None}})

        async def is_gone() -> bool:
            return await email.book.mailboxes.of_account("acc_1") == {}

        gone = await eventually(is_gone, seconds=5)

    assert gone
