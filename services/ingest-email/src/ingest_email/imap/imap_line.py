"""A connection to a mailbox for the event loop: a thread of its own, and a time limit for every command."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from contracts.imap import ImapMailbox
from ingest_email.imap.imap_connection import ImapConnection
from ingest_email.imap.imap_cursor import FolderFacts, Window
from ingest_email.imap.imap_failure import ImapFailure

_CUT_SECONDS = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LineLimits:
    """How long a command and a whole mail may take, and how large a mail may be."""

    command_seconds: float
    fetch_seconds: float
    mail_bytes: int


class ImapLine:
    """Logged in. A command that takes too long, or whose caller is cancelled, ends the connection."""

    def __init__(self, connection: ImapConnection, limits: LineLimits) -> None:
        self._connection = connection
        self._limits = limits
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imap")

    async def log_in(self, mailbox: ImapMailbox, tls: ssl.SSLContext, access_token: str | None) -> bool:
        """Authenticate; whether the server tells of new mail by itself."""
        log_in = partial(self._connection.log_in, mailbox, tls, access_token)
        return await self._call(self._limits.command_seconds, log_in)

    async def examine(self, folder: str) -> FolderFacts:
        """The folder as it is now."""
        return await self._call(self._limits.command_seconds, partial(self._connection.examine, folder))

    async def search(self, window: Window) -> Sequence[int]:
        """The UIDs of a window."""
        return await self._call(self._limits.command_seconds, partial(self._connection.search, window))

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The sizes of those that exist still."""
        return await self._call(self._limits.command_seconds, partial(self._connection.sizes, uids))

    async def fetch(self, uid: int) -> bytes | None:
        """One mail; None if it is gone."""
        fetch = partial(self._connection.fetch, uid, limit_bytes=self._limits.mail_bytes)
        return await self._call(self._limits.fetch_seconds, fetch)

    async def idle(self, seconds: float) -> None:
        """Wait for news, at most so long."""
        await self._call(seconds + self._limits.command_seconds, partial(self._connection.idle, seconds))

    async def _call(self, seconds: float, act: Callable[[], T]) -> T:
        """What a blocking call gives.

        Raises:
            ImapFailure: it failed, or took too long.
        """
        future = asyncio.get_running_loop().run_in_executor(self._thread, act)
        done, _ = await self._settled(future, seconds)
        if not done:
            await self._cut(future)
            raise ImapFailure("timed_out")
        return future.result()

    async def close(self) -> None:
        """Give everything back, behind the call in flight."""
        self._connection.cut()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    async def _settled(
        self, future: asyncio.Future[T], seconds: float
    ) -> tuple[set[asyncio.Future[T]], set[asyncio.Future[T]]]:
        try:
            return await asyncio.wait([future], timeout=seconds)
        except asyncio.CancelledError:
            await self._cut(future)
            raise

    async def _cut(self, future: asyncio.Future[T]) -> None:
        """End a call in flight; what became of it does not matter any more."""
        self._connection.cut()
        await asyncio.wait([future], timeout=_CUT_SECONDS)
        if future.done():
            future.exception()
