"""Proofs that do not cover the mail they came with: each may stand for one mail, however often that comes."""

import hashlib
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.errors import Unavailable


class UsedTokens:
    """Remembered for all replicas together, for as long as a token could be used again."""

    def __init__(self, redis: Redis, lifetime: timedelta) -> None:
        self._redis = redis
        self._lifetime = lifetime

    async def claim(self, token: str, content: bytes) -> bool:
        """Whether the token stands for this mail, or for none yet; the provider repeats what we did not take.

        Raises:
            Unavailable: nobody can say.
        """
        key = f"deskbus:mail-token:{hashlib.sha256(token.encode()).hexdigest()}"
        mine = hashlib.sha256(content).hexdigest()
        try:
            before = await self._redis.set(key, mine, nx=True, get=True, ex=self._lifetime)
        except RedisError as error:
            raise Unavailable("used tokens are not known") from error
        return before is None or before in (mine, mine.encode())
