"""The way to a mailbox: its name resolved once, every address allowed, and the connection made to such an address."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.imap import ImapMailbox
from ingest_email.imap.imap_connection import ImapConnection
from ingest_email.imap.imap_failure import ImapFailure
from ingest_email.imap.imap_line import ImapLine, LineLimits
from ingest_email.imap.imap_trust import Trust
from service_kit.peer_addresses import is_allowed
from service_kit.ssrf import PeerUnavailable, Resolve, Resolver

_ADDRESSES_TRIED = 3
_CONNECT_SECONDS = 10.0
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 3))
"""A server that vanished while we wait for news is noticed after two minutes."""


class ImapDialler:
    """Opens lines. Names are those of accounts: they must not lead to our own network."""

    def __init__(
        self, limits: LineLimits, *, allow_private: bool, ca_file: Path | None, resolve: Resolve | None = None
    ) -> None:
        self._limits = limits
        self._allow_private = allow_private
        self._trust = Trust(ca_file)
        self._resolve = resolve or Resolver()

    @asynccontextmanager
    async def line(self, mailbox: ImapMailbox, access_token: str | None = None) -> AsyncIterator[tuple[ImapLine, bool]]:
        """A line to a mailbox, by the token or the password, and whether its server tells of new mail by itself.

        Raises:
            ImapFailure: there is no way to it now.
        """
        tls = await self._trust.context()
        addresses = await self._addresses(mailbox)
        line = ImapLine(ImapConnection(await _connected(addresses, mailbox.port)), self._limits)
        try:
            yield line, await line.log_in(mailbox, tls, access_token)
        finally:
            await line.close()

    async def _addresses(self, mailbox: ImapMailbox) -> Sequence[str]:
        try:
            addresses = await self._resolve(mailbox.host, mailbox.port)
        except PeerUnavailable as error:
            raise ImapFailure("cannot_connect") from error
        if not all(is_allowed(address, allow_private=self._allow_private) for address in addresses):
            raise ImapFailure("forbidden_address")
        # A password in plain text stays in our own network.
        if mailbox.security == "none" and any(is_allowed(address, allow_private=False) for address in addresses):
            raise ImapFailure("forbidden_address")
        return addresses


async def _connected(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first address that accepts one."""
    failed: OSError | None = None
    for address in addresses[:_ADDRESSES_TRIED]:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(_CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
            _prepare(sock)
        except OSError as error:  # TimeoutError is one
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise ImapFailure("cannot_connect") from failed


def _prepare(sock: socket.socket) -> None:
    sock.setblocking(True)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
