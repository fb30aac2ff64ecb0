"""Attempts whose end nobody knows: the relay may have taken the mail before the way to it broke (I8)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Party
from contracts.settings import SettingsChanged
from contracts.topics import DELIVERY_EVENTS
from notifier.app import create_service
from notifier.errors import Deferred
from notifier.mail_gateway import SmtpRelay
from service_kit.bus import Subscription
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Running = Callable[..., AbstractAsyncContextManager[None]]


class TornRelay:
    """Takes every mail; cuts the line before its answer as often as `cuts` says, and never answers while `is_mute`."""

    def __init__(self, *, cuts: int = 0, is_mute: bool = False) -> None:
        self.taken: list[str] = []
        self.port = 0
        self._cuts = cuts
        self._voice = asyncio.Event()
        if not is_mute:
            self._voice.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["TornRelay"]:
        """Take mail on a free port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="relay.example", loop=loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            self._voice.set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take the mail, and say so or not."""
        self.taken.append(envelope.mail_from or "")
        await self._voice.wait()
        if len(self.taken) <= self._cuts:
            assert server.transport is not None, "there is a connection"
            server.transport.abort()
        return "250 2.0.0 queued"


def a_mail() -> EmailMessage:
    """A mail to hand over."""
    mail = EmailMessage()
    mail["Message-ID"] = "<a@acme.example>"
    mail.set_content("On its way.")
    return mail


async def test_a_line_cut_after_the_mail_leaves_a_doubt():
    """A relay that goes away before its answer may have taken the mail."""
    async with TornRelay(cuts=1).listening() as relay:
        gateway = SmtpRelay(f"smtp://127.0.0.1:{relay.port}", timeout_seconds=5)
        with pytest.raises(Deferred) as raised:
            await gateway.send(a_mail(), "support@acme.example", ["zoe@customer.example"])
        await gateway.stop()

    assert raised.value.in_doubt
    assert len(relay.taken) == 1


async def test_a_relay_that_is_away_leaves_none():
    """What never was on its way was never taken."""
    async with TornRelay().listening() as relay:
        port = relay.port
    with pytest.raises(Deferred) as raised:
        await SmtpRelay(f"smtp://127.0.0.1:{port}", timeout_seconds=5).send(a_mail(), "a@acme.example", ["z@c.example"])

    assert not raised.value.in_doubt


async def test_a_mail_has_its_time_as_a_whole():
    """A relay that is silent holds a mail no longer than the limit, whoever waits for its connections meanwhile."""
    async with TornRelay(is_mute=True).listening() as relay:
        gateway = SmtpRelay(f"smtp://127.0.0.1:{relay.port}", timeout_seconds=0.3, connections=1)
        outcomes = await asyncio.gather(
            *(gateway.send(a_mail(), "support@acme.example", ["zoe@customer.example"]) for _ in range(3)),
            return_exceptions=True,
        )
        await gateway.stop()

    assert [type(outcome) for outcome in outcomes] == [Deferred] * 3
    doubts = sum(outcome.in_doubt for outcome in outcomes if isinstance(outcome, Deferred))
    assert 1 <= len(relay.taken) <= doubts, "whatever the relay may have taken is in doubt"


async def test_a_mail_that_may_have_left_twice_says_so(make_platform: PlatformFactory, running: Running):
    """After a doubt the mail leaves again under its Message-ID, and its delivery is `uncertain` (I8)."""
    clock, heard = ManualClock(NOON), list[DeliveryUpdated]()

    async def take(events: Sequence[Event]) -> None:
        heard.extend(event for event in events if isinstance(event, DeliveryUpdated))

    async with TornRelay(cuts=1).listening() as relay:
        platform = make_platform("notifier", clock=clock)
        settings = platform.settings.model_copy(update={"smtp_relay_url": f"smtp://127.0.0.1:{relay.port}"})
        object.__setattr__(platform, "settings", settings)
        platform.bus.subscribe(Subscription(DELIVERY_EVENTS, "reporting", take))
        async with running(create_service(platform)):
            await platform.bus.publish([_addresses(), _reply()])
            await eventually(lambda: [event.state for event in heard] == ["queued"])
            clock.advance(timedelta(minutes=1))
            await eventually(lambda: len(heard) > 1)

    assert [event.state for event in heard] == ["queued", "uncertain"]
    assert len(relay.taken) == 2


def _addresses() -> SettingsChanged:
    return SettingsChanged(
        id="evt_email",
        account_id="acc_1",
        time=NOON,
        area="email",
        version=1,
        value={"addresses": {"support@acme.example": {"from_name": "Acme", "signature": ""}}},
    )


def _reply() -> OutboundMessageRequested:
    return OutboundMessageRequested(
        id="evt_a",
        account_id="acc_1",
        time=NOON,
        message_id="msg_a",
        ticket_id="tic_1",
        channel="email",
        purpose="reply",
        contact_key="zoe@customer.example",
        recipient=Party(email="zoe@customer.example"),
        sender="support@acme.example",
        text="On its way.",
        mail=MailThreading(message_id="a@acme.example"),
    )
