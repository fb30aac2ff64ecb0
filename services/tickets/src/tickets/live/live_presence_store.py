"""Presence in Redis, one hash for each ticket: seen by every replica, gone by itself, and never worth storing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.clock import Clock
from service_kit.errors import Unavailable
from tickets.live.live_presence import STAYS, Present, still_there

_PREFIX = "deskbus:present:"
_ANSWER_SECONDS = 2.0


class PresenceUnavailable(Unavailable):
    """Redis does not answer."""


class LivePresenceStore:
    """Who is in which ticket.

    Raises (every method):
        PresenceUnavailable: Redis does not answer.
    """

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def of_ticket(self, account_id: str, ticket_id: str) -> Mapping[str, Present]:
        """Who is there, by id, in the order in which they came."""
        async with _unavailable_when_down():
            stored = await self._redis.hgetall(_key(account_id, ticket_id))
        return still_there((Present.model_validate_json(value) for value in stored.values()), self._clock.now())

    async def put(self, account_id: str, ticket_id: str, present: Present) -> None:
        """Keep one agent's word for as long as it holds; the whole hash goes with the last of them."""
        key = _key(account_id, ticket_id)
        async with _unavailable_when_down(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(key, present.agent_id, present.model_dump_json())
            pipeline.pexpire(key, STAYS)
            await pipeline.execute()

    async def remove(self, account_id: str, ticket_id: str, agent_id: str) -> None:
        """Forget one agent."""
        async with _unavailable_when_down():
            await self._redis.hdel(_key(account_id, ticket_id), agent_id)


def _key(account_id: str, ticket_id: str) -> str:
    return f"{_PREFIX}{account_id}/{ticket_id}"


@asynccontextmanager
async def _unavailable_when_down() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except (RedisError, OSError) as error:  # a TimeoutError is an OSError
        raise PresenceUnavailable("the store of presence does not answer") from error
