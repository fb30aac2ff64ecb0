"""Connections to one relay that stay open between mails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notifier.errors import Deferred
from service_kit.worker import PeriodicWorker

_SUBMISSION_OVER_TLS, _SMTP = 465, 25
_GOODBYE_SECONDS = 2.0


class RelayPool:
    """A `Part`: at most `connections` at once, whether a mail is on its way in them or not.

    A connection is asked whether it is well before it serves another mail, and closed once it has been idle for
    `idle_seconds`: relays hang up on those who only wait.
    """

    def __init__(self, url: str, *, timeout_seconds: float, connections: int, idle_seconds: float) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "localhost"
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (_SUBMISSION_OVER_TLS if self._tls else _SMTP)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._timeout = timeout_seconds
        self._idle_seconds = idle_seconds
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []
        self._places = asyncio.Semaphore(connections)
        self._sweeper = PeriodicWorker("relay connections", idle_seconds / 2, self.close_idle)
        self._is_closed = False

    async def start(self) -> None:
        """Begin to look after connections; they are opened when they are needed."""
        await self._sweeper.start()

    async def stop(self) -> None:
        """Say goodbye on every idle connection; one that serves a mail is closed after it."""
        self._is_closed = True
        await self._sweeper.stop()
        while self._idle:
            await _leave(self._idle.pop()[0])

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that is well, for one mail; it stays open if whatever was said in it was answered.

        Raises:
            Deferred: the relay cannot be reached.
        """
        async with self._places:
            client = await self._client()
            try:
                yield client
            except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused):
                self._keep(client)
                raise
            except BaseException:
                client.close()
                raise
            self._keep(client)

    async def close_idle(self) -> None:
        """Leave the connections that nobody has needed for too long."""
        now = _now()
        kept = [(client, since) for client, since in self._idle if now - since < self._idle_seconds]
        stale = [client for client, since in self._idle if now - since >= self._idle_seconds]
        self._idle = kept
        for client in stale:
            await _leave(client)

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        if self._is_closed or not client.is_connected:
            client.close()
        else:
            self._idle.append((client, _now()))

    async def _client(self) -> aiosmtplib.SMTP:
        while self._idle:
            client, since = self._idle.pop()
            if _now() - since >= self._idle_seconds:
                client.close()
                continue
            try:
                await client.rset()
            except (aiosmtplib.SMTPException, OSError):
                client.close()
            else:
                return client
        return await self._connected()

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self._port,
            use_tls=self._tls,
            username=self._user,
            password=self._password,
            timeout=self._timeout,
        )
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Deferred(f"relay {self.host} refuses our credentials") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Deferred(f"relay {self.host} cannot be reached: {type(error).__name__}") from error
        except asyncio.CancelledError:
            client.close()
            raise
        return client


async def _leave(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):  # the mails are gone already; this is courtesy
        await client.quit(timeout=_GOODBYE_SECONDS)
    client.close()


def _now() -> float:
    """The event loop's own measure: durations only, never a moment."""
    return asyncio.get_running_loop().time()
