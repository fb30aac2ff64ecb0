"""One slow domain among others (X8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier.domain_places import DomainPlaces
from notifier.mail_gateway import SmtpRelay
from notifier.relay_answer import Handed
from service_kit.testing.eventually import eventually


class SlowRelay:
    """Answers mail to `slow.example` only when it is told to; `begun` are the recipients of mail it has seen."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.port = 0
        self._wakes = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["SlowRelay"]:
        """Take mail on a free port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="relay.example", loop=loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take the mail, sooner or later."""
        self.begun.append(envelope.rcpt_tos[0])
        if envelope.rcpt_tos[0].endswith("@slow.example"):
            await self._wakes.wait()
        return "250 2.0.0 queued"

    def wake(self) -> None:
        """Answer everybody."""
        self._wakes.set()


def mail_to(recipient: str) -> EmailMessage:
    """A mail to hand over."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{recipient}>"
    mail.set_content("On its way.")
    return mail


async def test_a_slow_domain_leaves_connections_for_the_others() -> None:
    """However much waits for one domain, it takes its own connections only, and leaves when they are free again."""
    async with SlowRelay().listening() as relay:
        gateway = SmtpRelay(f"smtp://127.0.0.1:{relay.port}", timeout_seconds=20, connections=3, per_domain=2)

        async def send(recipient: str) -> Handed:
            return await gateway.send(mail_to(recipient), "support@acme.example", [recipient])

        slow = [asyncio.create_task(send(f"{number}@slow.example")) for number in range(5)]
        await eventually(lambda: len(relay.begun) == 2)
        quick = await send("zoe@quick.example")
        begun_meanwhile = list(relay.begun)
        relay.wake()
        answers = await asyncio.gather(*slow)
        await gateway.stop()

    assert quick.answer.startswith("2.0.0 queued")
    assert {*begun_meanwhile[:2]} == {"0@slow.example", "1@slow.example"}  # two connections, in any order
    assert begun_meanwhile[2:] == ["zoe@quick.example"]
    assert len(answers) == 5
    assert len(relay.begun) == 6


async def test_a_place_is_given_back_whatever_happens() -> None:
    """Failures and cancellations free their place."""
    places = DomainPlaces(1)
    with pytest.raises(RuntimeError):
        async with places.place_for("zoe@customer.example"):
            raise RuntimeError
    holder_may_leave = asyncio.Event()

    async def hold() -> None:
        async with places.place_for("zoe@CUSTOMER.example"):
            await holder_may_leave.wait()

    holder, waiting = asyncio.create_task(hold()), asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    holder_may_leave.set()
    await holder

    async with asyncio.timeout(1), places.place_for("eve@customer.example"):
        pass
