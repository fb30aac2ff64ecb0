"""One SMTP connection: aiosmtpd's protocol, with a reader of mail data of our own.

The library reads line by line and keeps an object per line, so that 35 MB of empty lines take over a gigabyte and hold
the event loop up, and it refuses lines over 1,000 bytes for good, which real senders do write.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import structlog
from aiosmtpd.smtp import SMTP, Envelope, TLSSetupException, syntax

from ingest_email.acceptance import Target
from ingest_email.mail_memory import MailMemory
from ingest_email.smtp import smtp_answers as answers
from ingest_email.smtp.mail_data import MailData
from ingest_email.smtp.smtp_origin import origin_in

_COMMAND_BYTES = 1000
"""RFC 5321 asks for 512; addresses in UTF-8 (RFC 6531) and parameters take more."""

_BLOCK_BYTES = 64 * 1024

_INTRODUCTION_SECONDS = 10.0
"""How long a load balancer may take to say for whom it connects: it does so at once."""

_CALLS = {
    "MAIL": 1000,
    "RCPT": 5000,
    "DATA": 1000,
    "EHLO": 100,
    "HELO": 100,
    "RSET": 1000,
    "NOOP": 1000,
    "XFORWARD": 2000,
    "*": 50,
}
"""Of each command in one connection; whoever needs more can connect again."""


log = structlog.get_logger(__name__)


class MailEnvelope(Envelope):
    """What was said before the data, with the accounts that the recipients belong to.

    `targets` is by account and support address: two ways to write one address are one delivery. `origin` is from whom
    a relay says that it took the mail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[tuple[str, str], Target] = {}
        self.origin: str | None = None


class DataHandler(Protocol):
    """What a session needs of its handler beyond the library's hooks."""

    async def take(self, envelope: MailEnvelope, content: bytes, peer: str) -> str:
        """Take the mail; the answer. Whatever it raises, the mail was not taken."""


class MailSession(SMTP):
    """One connection. `on_end` is called once when it is gone.

    `peer` is who sends, `is_stranger` whether limits are for them. With `is_proxied` the connection begins with a PROXY
    header, and `peer` is whom it names from then on.
    """

    def __init__(
        self,
        handler: DataHandler,
        peer: str,
        memory: MailMemory,
        *,
        is_stranger: bool,
        is_proxied: bool,
        tls: ssl.SSLContext | None,
        hostname: str,
        size_limit_bytes: int,
        command_timeout_seconds: float,
        data_timeout_seconds: float,
        on_introduced: Callable[["MailSession", str], bool],
        on_end: Callable[["MailSession"], None],
    ) -> None:
        # The library shares this dictionary between all connections, and every EHLO adds to it.
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES)
        super().__init__(
            handler,
            data_size_limit=size_limit_bytes,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="Deskbus",
            tls_context=tls,
            # Nobody has an account here.
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            proxy_protocol_timeout=_INTRODUCTION_SECONDS if is_proxied else None,
            timeout=command_timeout_seconds,
            command_call_limit=_CALLS,
            loop=asyncio.get_running_loop(),
        )
        self.peer = peer
        self.is_stranger = is_stranger
        self._memory = memory
        self._mail_handler = handler
        self._size_limit = size_limit_bytes
        self._data_timeout = data_timeout_seconds
        self._on_introduced = on_introduced
        self._on_end = on_end
        self._is_storing = False
        self._is_leaving = False
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve; once more, and from the start, when the connection has become an encrypted one."""
        is_first = self._handler_coroutine is None
        super().connection_made(transport)
        if is_first and self._handler_coroutine is not None:
            # A peer that goes away while we answer is nobody's error; left unasked, asyncio would log it as ours.
            self._handler_coroutine.add_done_callback(lambda task: task.cancelled() or task.exception())

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(error)
        # Where a handshake fails, the library says so itself, and the transport may do so too.
        if not self._has_ended:
            self._has_ended = True
            self._on_end(self)

    def leave(self) -> None:
        """Close politely: at once, or once the mail that is being stored has its answer."""
        self._is_leaving = True
        if not self._is_storing and isinstance(self.transport, asyncio.Transport):
            self.transport.write(f"{answers.LEAVING}\r\n".encode())
            self.transport.close()

    def abort(self) -> None:
        """Close now; what was not answered was not accepted."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _create_envelope(self) -> MailEnvelope:
        return MailEnvelope()

    async def introduce(self, peer: str | None) -> bool:
        """Whether to serve whom a load balancer connects for; None is itself, to see whether we are well."""
        if peer is None or self._on_introduced(self, peer):
            return True
        await self.push(answers.BUSY)
        return False

    async def handle_exception(self, error: Exception) -> str:
        """The answer to a command that failed; a handshake that did leaves nobody to answer, and no mail to count."""
        if isinstance(error, TLSSetupException):
            log.info("smtp_handshake_failed", error=type(error.__cause__).__name__)
            return ""
        answer: str = await super().handle_exception(error)
        return answer

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802 - see below
        """Encrypt the connection, once; all that was said before is forgotten (RFC 3207, section 4.2)."""
        if self._tls_protocol is not None:
            await self.push(answers.ENCRYPTED_ALREADY)
            return
        await super().smtp_STARTTLS(arg)
        if self.session is not None and self.session.ssl is None:
            # Whoever closes a connection within its handshake, us included, is told of no failure and of no end.
            self.connection_lost(None)
            raise ConnectionResetError("the connection ended within its handshake")

    @syntax("XFORWARD name=value ...")
    async def smtp_XFORWARD(self, arg: str | None) -> None:  # noqa: N802 - see below
        """Let a relay that we know say from whom it took the next mail."""
        if self.is_stranger or not isinstance(self.envelope, MailEnvelope):
            await self.push(answers.NOT_A_RELAY)
            return
        self.envelope.origin = origin_in(arg or "") or self.envelope.origin
        await self.push(answers.ORIGIN_OK)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the library finds commands by these names
        """Read the mail, and let the handler answer for it."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if not isinstance(envelope, MailEnvelope) or not envelope.targets:
            await self.push(answers.NEED_RECIPIENT)
            return
        if arg:
            await self.push(answers.NO_ARGUMENT)
            return
        await self.push(answers.END_OF_DATA)
        self._reset_timeout(self._data_timeout)
        data = MailData(self._size_limit, self._memory)
        try:
            await self._read(data)
            status = await self._take(envelope, data.content())
        finally:
            data.release()
            self.envelope = self._create_envelope()
            if self.transport is not None:
                self._reset_timeout()
        await self.push(status)
        if self._is_leaving:
            self.leave()

    async def _take(self, envelope: MailEnvelope, content: bytes) -> str:
        self._is_storing = True
        try:
            return await self._mail_handler.take(envelope, content, envelope.origin or self.peer)
        finally:
            self._is_storing = False

    async def _read(self, data: MailData) -> None:
        rest = None
        while rest is None:
            block = await self._reader.read(_BLOCK_BYTES)
            if not block:
                raise ConnectionResetError("the connection ended within a mail")
            rest = data.feed(block)
        # Commands that the peer sent ahead come next; asyncio has no other way to give bytes back.
        self._reader._buffer[:0] = rest  # type: ignore[attr-defined]  # noqa: SLF001
