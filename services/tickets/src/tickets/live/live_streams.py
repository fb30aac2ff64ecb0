"""The streams that are open in this process: how many there may be, whom they belong to, and when they must end.

A stream lives no longer than the session or key that opened it, and counts as use of it (A3).
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import structlog

from service_kit.auth import Permission, Principal
from service_kit.auth.credentials import Credentials, CredentialsUnavailable
from service_kit.clock import Clock
from service_kit.fan_out import FanOut
from service_kit.worker import PeriodicWorker
from tickets.live.live_problems import streams_full, streams_stopping, too_many_streams

MOST_OF_ONE = 20
"""Streams of one agent, or of one key that acts for nobody, in one process."""
MOST = 2_000
"""Streams of one process."""

_CHECK_SECONDS = 0.5
_USED_EVERY_SECONDS = 10.0
_UNCHECKED_SECONDS = 5.0
"""For how long streams go on while nobody can say whether their sessions still hold."""
_STOP_SECONDS = 3.0

EndReason = Literal["session_ended", "stopping", "too_slow", "unavailable"]
"""Public contract: why the server ended a stream. All but the first may be resumed."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Follower:
    """Who opens a stream, with the token that let them in."""

    principal: Principal
    token: str = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """Whom the stream counts for."""
        return self.principal.account_id, self.principal.agent_id or self.principal.credential_id


class LiveStream:
    """One open stream: waits for news, and knows why it ended."""

    def __init__(self, follower: Follower, news: asyncio.Event) -> None:
        self.follower = follower
        self.ended: EndReason | None = None
        self._news = news

    def end(self, reason: EndReason) -> None:
        """Let the stream end; the first reason counts."""
        self.ended = self.ended or reason
        self._news.set()

    def heed(self) -> None:
        """What comes from now on is news again; to be called before one looks."""
        self._news.clear()
        if self.ended is not None:
            self._news.set()

    async def pause(self, seconds: float, rest_seconds: float) -> None:
        """Until there is news, and some time for more of it to gather; or until it is time to look unasked."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(0 if self.ended else rest_seconds)


class LiveStreams:
    """All of them. A door: it stops before the HTTP server does, which would wait for them."""

    def __init__(
        self,
        credentials: Credentials,
        fan_out: FanOut,
        clock: Clock,
        *,
        most_of_one: int = MOST_OF_ONE,
        most: int = MOST,
    ) -> None:
        self._credentials = credentials
        self._fan_out = fan_out
        self._clock = clock
        self._most_of_one = most_of_one
        self._most = most
        self._open: set[LiveStream] = set()
        self._of_one: Counter[tuple[str, str]] = Counter()
        self._is_stopping = False
        self._none_left = asyncio.Event()
        self._used_at: dict[str, float] = {}
        self._checked_at = 0.0
        self._worker = PeriodicWorker("tickets.live_streams", _CHECK_SECONDS, self.check)

    @property
    def open(self) -> frozenset[LiveStream]:
        """Those that are open now."""
        return frozenset(self._open)

    @contextmanager
    def admitted(self, follower: Follower, *keys: str) -> Iterator[LiveStream]:
        """A stream that has news whenever one of `keys` has.

        Raises:
            Problem: there are too many, or we are stopping.
        """
        if self._is_stopping:
            raise streams_stopping()
        if self._of_one[follower.key] >= self._most_of_one:
            raise too_many_streams(self._most_of_one)
        if len(self._open) >= self._most:
            raise streams_full()
        with self._fan_out.listening(*keys) as news:
            stream = LiveStream(follower, news)
            self._open.add(stream)
            self._of_one[follower.key] += 1
            try:
                yield stream
            finally:
                self._forget(stream)

    async def check(self) -> None:
        """End the streams whose session or key is gone, or may no longer read; note that the others are in use."""
        streams, now = tuple(self._open), asyncio.get_running_loop().time()
        tokens = {stream.follower.token for stream in streams}
        self._used_at = {token: at for token, at in self._used_at.items() if token in tokens}
        try:
            holders = await self._credentials.find_many(tokens)
            for token in holders:
                await self._note_use(token, now)
        except CredentialsUnavailable:
            if now - self._checked_at > _UNCHECKED_SECONDS:
                for stream in streams:
                    stream.end("unavailable")
            raise
        self._checked_at = now
        for stream in streams:
            holder = holders.get(stream.follower.token)
            if holder is None or not holder.may(Permission.TICKETS_READ):
                stream.end("session_ended")

    async def start(self) -> None:
        """Begin to watch over sessions."""
        self._checked_at = asyncio.get_running_loop().time()
        await self._worker.start()

    async def stop(self) -> None:
        """Take no more, and end all; a reader who does not take the last word is left to the HTTP server."""
        self._is_stopping = True
        await self._worker.stop()
        for stream in self._open:
            stream.end("stopping")
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                while self._open:
                    self._none_left.clear()
                    await self._none_left.wait()
        except TimeoutError:
            logger.warning("streams_left_open", streams=len(self._open))

    async def _note_use(self, token: str, now: float) -> None:
        if now - self._used_at.get(token, float("-inf")) < _USED_EVERY_SECONDS:
            return
        self._used_at[token] = now
        if (principal := await self._credentials.find(token)) is not None:  # being asked for counts as use
            await self._credentials.seen(principal, self._clock.now())

    def _forget(self, stream: LiveStream) -> None:
        self._open.discard(stream)
        self._of_one[stream.follower.key] -= 1
        if not self._of_one[stream.follower.key]:
            del self._of_one[stream.follower.key]
        if not self._open:
            self._none_left.set()
