"""How often one visitor or one address may do something (W7): a fixed window in Redis, alike for every replica."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.errors import Unavailable

_PATIENCE_SECONDS = 2.0


class RateLimit:
    """At most `most` acts of one subject within `seconds`."""

    def __init__(self, redis: Redis, name: str, *, most: int, seconds: int) -> None:
        self._redis = redis
        self._name = name
        self._most = most
        self._seconds = seconds

    async def allows(self, subject: str) -> bool:
        """Count one act; whether it is within the limit.

        Raises:
            Unavailable: Redis does not answer, so nothing can be counted.
        """
        key = f"deskbus:limit:{self._name}:{subject}"
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._redis.pipeline(transaction=True) as pipeline:
                pipeline.set(key, 0, ex=self._seconds, nx=True)
                pipeline.incr(key)
                _, count = await pipeline.execute()
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise Unavailable("rate limits cannot be counted now") from error
        return int(count) <= self._most
