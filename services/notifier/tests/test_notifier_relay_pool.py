"""Connections to the relay: kept, asked whether they are well, bounded, and left when nobody needs them (X8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier.errors import Deferred, Refused
from notifier.mail_gateway import SmtpRelay
from service_kit.testing.eventually import eventually

ZOE = "zoe@customer.example"


class CountingRelay:
    """Takes every mail; `open` are its connections now, `most` how many there were at once."""

    def __init__(self) -> None:
        self.open: list[SMTP] = []
        self.opened = self.most = self.mails = 0
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["CountingRelay"]:
        """Take mail on a free port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Counted(self, loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - its API
        """Take a mail after others had a chance to come."""
        self.mails += 1
        await asyncio.sleep(0)
        return "250 2.0.0 queued"

    def relay(self, **settings: float) -> SmtpRelay:
        """What sends through it."""
        known = {"timeout_seconds": 5.0, "idle_seconds": 60.0}
        return SmtpRelay(f"smtp://127.0.0.1:{self.port}", connections=2, per_domain=9, **(known | settings))


class _Counted(SMTP):
    def __init__(self, relay: CountingRelay, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(relay, hostname="relay.example", loop=loop)
        self._relay = relay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._relay.open.append(self)
        self._relay.opened += 1
        self._relay.most = max(self._relay.most, len(self._relay.open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it no more."""
        self._relay.open.remove(self)
        super().connection_lost(error)


def a_mail(recipient: str = ZOE) -> EmailMessage:
    """A mail to hand over."""
    mail = EmailMessage()
    mail["Message-ID"], mail["To"] = "<a@acme.example>", recipient
    mail.set_content("On its way.")
    return mail


async def test_connections_are_bounded_and_serve_many_mails() -> None:
    """However many mails leave at once, there are no more connections than allowed, and each serves several."""
    async with CountingRelay().listening() as counting:
        gateway = counting.relay()
        await asyncio.gather(*(gateway.send(a_mail(), "support@acme.example", [ZOE]) for _ in range(12)))
        await gateway.stop()
        await eventually(lambda: not counting.open)

    assert (counting.mails, counting.most, counting.opened) == (12, 2, 2)


async def test_a_connection_that_died_meanwhile_costs_no_mail() -> None:
    """A relay that hung up is noticed before the next mail is on its way: it leaves by a new connection at once."""
    async with CountingRelay().listening() as counting:
        gateway = counting.relay()
        await gateway.send(a_mail(), "support@acme.example", [ZOE])
        transport = counting.open[0].transport
        assert transport is not None
        transport.close()
        await eventually(lambda: not counting.open)
        handed = await gateway.send(a_mail(), "support@acme.example", [ZOE])
        await gateway.stop()

    assert handed.refused == {}
    assert (counting.mails, counting.opened) == (2, 2)


async def test_idle_connections_are_left() -> None:
    """Nobody is kept waiting for mails that do not come; the next one opens a connection of its own."""
    async with CountingRelay().listening() as counting:
        gateway = counting.relay(idle_seconds=0.05)
        await gateway.start()
        await gateway.send(a_mail(), "support@acme.example", [ZOE])
        await eventually(lambda: not counting.open)
        await gateway.send(a_mail(), "support@acme.example", [ZOE])
        await gateway.stop()

    assert (counting.mails, counting.opened) == (2, 2)


async def test_after_the_end_nothing_stays_open() -> None:
    """A mail that is on its way when the gateway stops leaves, and its connection is closed behind it."""
    async with CountingRelay().listening() as counting:
        gateway = counting.relay()
        sending = asyncio.create_task(gateway.send(a_mail(), "support@acme.example", [ZOE]))
        await eventually(lambda: counting.open)
        await gateway.stop()
        handed = await sending
        await eventually(lambda: not counting.open)

    assert handed.answer.startswith("2.0.0 queued")


async def test_an_address_that_a_relay_cannot_take_is_refused_and_not_tried_for_days() -> None:
    """Without SMTPUTF8 a mail to an address beyond ASCII never leaves, and no other mail waits for it."""
    async with CountingRelay().listening() as counting:
        gateway = counting.relay()
        with pytest.raises(Refused, match="beyond ASCII"):
            await gateway.send(a_mail(), "support@acme.example", ["zoé@customer.example"])
        await gateway.send(a_mail(), "support@acme.example", [ZOE])
        await gateway.stop()

    assert counting.mails == 1


async def test_a_relay_that_is_away_is_a_reason_to_wait() -> None:
    """Nothing was on its way, and nothing is in doubt."""
    async with CountingRelay().listening() as counting:
        gateway = counting.relay()
    with pytest.raises(Deferred) as raised:
        await gateway.send(a_mail(), "support@acme.example", [ZOE])

    assert not raised.value.in_doubt
