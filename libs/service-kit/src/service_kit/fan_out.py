"""Telling every replica's open connections that something has news.

A nudge only: what a connection shows always comes from the store, by number, and it looks there now and then unasked.
A lost nudge costs those few seconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

_AGAIN_SECONDS = 0.5
_ASK_AGAIN_SECONDS = 0.2
_QUIET_SECONDS = 10.0
_PATIENCE_SECONDS = 1.0
"""How long a nudge may take; whoever gives one has better things to do than to wait for Redis to come back."""

logger = structlog.get_logger()


class FanOut:
    """One subscription to `channel` for the whole process; connections wait on an event of their keys. A `Part`.

    Keys are ids: they hold no white space.
    """

    def __init__(self, redis: Redis, channel: str) -> None:
        self._redis = redis
        self._channel = channel
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen for other replicas' nudges."""
        self._task = asyncio.create_task(self._listen_for_ever(), name=f"fan-out {self._channel}")

    async def stop(self) -> None:
        """Listen no more; nothing is lost by it. The client swallows a cancellation while it connects: ask again."""
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_ASK_AGAIN_SECONDS)

    async def nudge(self, *keys: str) -> None:
        """Wake the connections that wait for one of `keys`, here and elsewhere."""
        for key in keys:
            self._wake(key)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._redis.publish(self._channel, " ".join(keys))
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            logger.warning("nudge_lost", channel=self._channel, keys=len(keys), first=keys[:1], error=repr(error))

    @contextmanager
    def listening(self, *keys: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of `keys` has news."""
        event = asyncio.Event()
        for key in keys:
            self._waiting[key].add(event)
        try:
            yield event
        finally:
            for key in keys:
                self._waiting[key].discard(event)
                if not self._waiting[key]:
                    del self._waiting[key]

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                logger.warning("nudges_unheard", channel=self._channel, error=repr(error))
            except Exception:
                logger.exception("nudges_unheard", channel=self._channel)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        """Until the subscription breaks. A silent one is asked whether it is still there: its host may be gone."""
        is_asked = False
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            while True:
                heard = await subscription.get_message(timeout=_QUIET_SECONDS)
                if heard is not None and heard["type"] == "message":
                    for key in bytes(heard["data"]).decode().split():
                        self._wake(key)
                elif heard is None and is_asked:
                    raise RedisConnectionError("the subscription does not answer")
                elif heard is None:
                    await subscription.ping()
                is_asked = heard is None

    def _wake(self, key: str) -> None:
        for event in self._waiting.get(key, ()):
            event.set()
