"""The SMTP listener on our own event loop: opens, limits connections, closes without losing what it was told."""

import asyncio
import logging
import os
from typing import cast
from urllib.parse import urlsplit

import structlog

from ingest_email.errors import PortTaken
from ingest_email.mail_memory import MailMemory
from ingest_email.settings import IngestEmailSettings
from ingest_email.smtp import smtp_answers as answers
from ingest_email.smtp.networks import Networks, site_of
from ingest_email.smtp.seats import Seats
from ingest_email.smtp.smtp_handler import SmtpHandler
from ingest_email.smtp.smtp_session import MailSession
from ingest_email.smtp.smtp_tls import TlsFiles
from service_kit.settings import PlatformSettings

_LEAVE_SECONDS = 10.0
"""How long a mail that is being stored may take to get its answer when the door closes."""

log = structlog.get_logger(__name__)


class SmtpDoor:
    """A `Part`: mail comes in between `start` and `stop`."""

    def __init__(self, handler: SmtpHandler, settings: IngestEmailSettings, platform: PlatformSettings) -> None:
        self._handler = handler
        self._settings = settings
        self._host, self._port = platform.http_host, platform.smtp_port
        self._hostname = urlsplit(platform.origin).hostname or platform.http_host
        self._seats = Seats(total=settings.connections_max, per_peer=settings.connections_per_peer_max)
        self._relays = Networks(settings.trusted_relays)
        self._balancers = Networks(settings.proxy_protocol_from)
        self._tls: TlsFiles | None = None
        self._memory = MailMemory(settings.mail_memory_bytes)
        self._sessions: set[MailSession] = set()
        self._is_empty = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            PortTaken: the address is in use, or not ours to use.
            CertificateUnreadable: the settings name files that are none.
        """
        if self._settings.tls_certificate is not None and self._settings.tls_key is not None:
            self._tls = TlsFiles(self._settings.tls_certificate, self._settings.tls_key)
        # At lower levels the library logs addresses and, line by line, the mail itself.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Gate(self), self._host, self._port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise PortTaken(
                f"cannot listen on {self._host}:{self._port} ({reason}). Choose another port with DESKBUS_SMTP_PORT."
            ) from error
        log.info("smtp_open", host=self._host, port=self._port)

    async def stop(self) -> None:
        """Listen no more; mails that are being stored get their answer, everybody else a polite word."""
        if self._server is not None:
            self._server.close()
        self._mark_empty()
        for session in list(self._sessions):
            session.leave()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._is_empty.wait()
        except TimeoutError:
            log.warning("smtp_connections_aborted", count=len(self._sessions))
            for session in list(self._sessions):
                session.abort()
            await self._is_empty.wait()

    def admit(self, transport: asyncio.Transport) -> None:
        """Give a new connection a session, or turn it away."""
        peer = (transport.get_extra_info("peername") or ("unknown",))[0]
        is_proxied = peer in self._balancers
        is_stranger = not is_proxied and peer not in self._relays
        if not self._seats.take(site_of(peer), is_stranger=is_stranger):
            transport.write(f"{answers.BUSY}\r\n".encode())
            transport.close()
            return
        session = MailSession(
            self._handler,
            peer,
            self._memory,
            is_stranger=is_stranger,
            is_proxied=is_proxied,
            tls=self._tls.context() if self._tls is not None else None,
            on_introduced=self._introduce,
            hostname=self._hostname,
            size_limit_bytes=self._settings.mail_size_limit_bytes,
            command_timeout_seconds=self._settings.command_timeout_seconds,
            data_timeout_seconds=self._settings.data_timeout_seconds,
            on_end=self._forget,
        )
        self._sessions.add(session)
        transport.set_protocol(session)
        session.connection_made(transport)

    def _introduce(self, session: MailSession, peer: str) -> bool:
        """Whether there is a seat for the peer that a load balancer connects for."""
        is_stranger = peer not in self._relays
        if not self._seats.move(site_of(session.peer), site_of(peer), is_stranger=is_stranger):
            return False
        session.peer, session.is_stranger = peer, is_stranger
        return True

    def _forget(self, session: MailSession) -> None:
        self._sessions.discard(session)
        self._seats.give_back(site_of(session.peer))
        self._mark_empty()

    def _mark_empty(self) -> None:
        if self._sessions:
            self._is_empty.clear()
        else:
            self._is_empty.set()


class _Gate(asyncio.Protocol):
    """Stands at a connection until it is known whether there is a seat for it."""

    def __init__(self, door: SmtpDoor) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection to the door."""
        self._door.admit(cast("asyncio.Transport", transport))
