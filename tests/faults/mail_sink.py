"""A mail relay that delivers nowhere and remembers everything: the outside end of every mail that leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class SunkMail:
    """A mail that left."""

    message_id: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    reply_to: str
    references: str


class MailSink:
    """Takes every mail. `on_accepted` is called with the number of mails before the sender hears of it."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self._address = address
        self.mails: list[SunkMail] = []
        self.port = 0
        self.on_accepted: Callable[[int], None] = lambda _count: None

    @property
    def url(self) -> str:
        """The relay as a setting."""
        return f"smtp://{self._address}:{self.port}"

    def to(self, address: str) -> Sequence[SunkMail]:
        """What an address was sent, oldest first."""
        return [mail for mail in self.mails if address in mail.recipients]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["MailSink"]:
        """Take mail on a free port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, hostname="sink.example"), self._address, 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its API
        """Remember the mail, then answer for it."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.mails.append(_sunk(content, tuple(envelope.rcpt_tos)))
        self.on_accepted(len(self.mails))
        return "250 2.0.0 sunk"


def _sunk(content: bytes, recipients: tuple[str, ...]) -> SunkMail:
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage), "the policy makes one"
    body = mail.get_body(("plain",))
    return SunkMail(
        message_id=str(mail["Message-ID"] or ""),
        recipients=recipients,
        subject=str(mail["Subject"] or ""),
        text=body.get_content() if body is not None else "",
        reply_to=str(mail["Reply-To"] or ""),
        references=str(mail["References"] or ""),
    )
