"""Telling every replica's sockets that a conversation has something new.

A nudge only: what a socket shows always comes from the store, by number, and it looks there now and then unasked. A
lost nudge costs those few seconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

_CHANNEL = "deskbus:chat"
_AGAIN_SECONDS = 0.5
_ASK_AGAIN_SECONDS = 0.2
_QUIET_SECONDS = 10.0
_PATIENCE_SECONDS = 1.0
"""How long a nudge may take; whoever gives one has better things to do than to wait for Redis to come back."""

logger = structlog.get_logger()


class FanOut:
    """One subscription for the whole process; sockets wait on an event of their conversation. A `Part`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen for other replicas' nudges."""
        self._task = asyncio.create_task(self._listen_for_ever(), name="chat fan-out")

    async def stop(self) -> None:
        """Listen no more; nothing is lost by it. The client swallows a cancellation while it connects: ask again."""
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_ASK_AGAIN_SECONDS)

    async def nudge(self, conversation_id: str) -> None:
        """Wake the conversation's sockets, here and elsewhere."""
        self._wake(conversation_id)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._redis.publish(_CHANNEL, conversation_id)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
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

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                logger.warning("chat_nudges_unheard", error=repr(error))
            except Exception:
                logger.exception("chat_nudges_unheard")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        """Until the subscription breaks. A silent one is asked whether it is still there: its host may be gone."""
        is_asked = False
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(_CHANNEL)
            while True:
                heard = await subscription.get_message(timeout=_QUIET_SECONDS)
                if heard is not None and heard["type"] == "message":
                    self._wake(bytes(heard["data"]).decode())
                elif heard is None and is_asked:
                    raise RedisConnectionError("the subscription does not answer")
                elif heard is None:
                    await subscription.ping()
                is_asked = heard is None

    def _wake(self, conversation_id: str) -> None:
        for event in self._waiting.get(conversation_id, ()):
            event.set()
