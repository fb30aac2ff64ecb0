"""The brake on guessing passwords and codes: so many attempts in a while, counted for all replicas together.

`who` is an e-mail address for all strangers to it together, a device that is known there, or, for passwords and codes
that a session gives, the agent: so strangers can lock out neither a known device nor somebody who is signed in.
"""

import hashlib

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.errors import Unavailable
from tickets.people.people_problems import too_many_sign_ins

ATTEMPTS = 10
WINDOW_SECONDS = 900


class SignInLimit:
    """Counts attempts from the first one on, and refuses those beyond the limit until the window has passed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, who: str) -> None:
        """Count an attempt before it is checked, so that many at once cannot slip through.

        Raises:
            Problem: there were too many (`too_many_sign_ins`).
        """
        key = _key(who)
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, WINDOW_SECONDS, nx=True)
                pipeline.ttl(key)
                attempts, _, seconds_left = await pipeline.execute()
        except RedisError as error:
            raise Unavailable("sign-ins cannot be counted") from error
        if attempts > ATTEMPTS:
            raise too_many_sign_ins(max(1, int(seconds_left)))

    async def succeeded(self, who: str) -> None:
        """Forget the failures of somebody who proved who they are."""
        try:
            await self._redis.delete(_key(who))
        except RedisError as error:
            raise Unavailable("sign-ins cannot be counted") from error


def _key(who: str) -> str:
    return f"deskbus:sign-ins:{hashlib.sha256(who.encode()).hexdigest()}"
