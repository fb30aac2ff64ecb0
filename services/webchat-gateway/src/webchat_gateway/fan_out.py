"""Telling every replica's sockets that a conversation has something new.

A nudge only: what a socket shows always comes from the store, by number. A lost nudge costs a few seconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.worker import PeriodicWorker

_CHANNEL = "deskbus:chat"
_LISTEN_SECONDS = 1.0

logger = structlog.get_logger()


class FanOut:
    """One subscription for the whole process; sockets wait on an event of their conversation."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def nudge(self, conversation_id: str) -> None:
        """Wake the conversation's sockets, here and elsewhere."""
        self._wake(conversation_id)
        try:
            await self._redis.publish(_CHANNEL, conversation_id)
        except RedisError as error:
            logger.warning("chat_nudge_lost", conversation_id=conversation_id, error=repr(error))

    @contextmanager
    def listening(self, conversation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the conversation has something new."""
        event = asyncio.Event()
        self._waiting[conversation_id].add(event)
        try:
            yield event
        finally:
            self._waiting[conversation_id].discard(event)
            if not self._waiting[conversation_id]:
                del self._waiting[conversation_id]

    def worker(self) -> PeriodicWorker:
        """Listens for other replicas' nudges for as long as the service lives."""
        return PeriodicWorker("webchat fan-out", 0.01, self._listen)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(_CHANNEL)
            quiet = False
            while not quiet or self._waiting:
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_SECONDS)
                quiet = message is None
                if message is not None:
                    self._wake(bytes(message["data"]).decode())

    def _wake(self, conversation_id: str) -> None:
        for event in self._waiting.get(conversation_id, ()):
            event.set()
