"""Redis or Valkey as every service uses it beside its bus: live sessions, limits, fan-out."""

from datetime import UTC, datetime

import structlog
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from service_kit.clock import Clock
from service_kit.errors import Refused, Unavailable

_TIMEOUT_SECONDS = 5.0
LARGEST_SKEW_SECONDS = 2.0
"""Beyond it this machine's clock is said to differ."""

log = structlog.get_logger(__name__)


class RedisUnavailable(Unavailable):
    """Redis does not answer."""


def open_redis(url: str) -> Redis:
    """A client; it connects when it is used.

    Raises:
        Refused: the URL cannot be used.
    """
    try:
        return Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS)
    except ValueError as error:
        # Not quoted: it may hold a password.
        raise Refused(
            "DESKBUS_REDIS_URL cannot be used; it reads redis://[user:password@]host:port[/number]"
        ) from error


async def require_redis(redis: Redis, clock: Clock) -> None:
    """Check that Redis answers and lets us in; warn if this machine's clock is not its clock.

    Leases and due times are compared between replicas, so a clock that is off shows as work done late or twice.

    Raises:
        RedisUnavailable: it does not answer.
        Refused: it does not let us in.
    """
    skew = await redis_skew_seconds(redis, clock)
    if abs(skew) > LARGEST_SKEW_SECONDS:
        log.warning("clock_differs_from_redis", seconds=round(skew, 3))


async def redis_skew_seconds(redis: Redis, clock: Clock) -> float:
    """How far this machine's clock is ahead of Redis's.

    Raises:
        RedisUnavailable: it does not answer.
        Refused: it does not let us in.
    """
    try:
        seconds, microseconds = await redis.time()
    except (AuthenticationError, NoPermissionError) as error:
        raise Refused(f"Redis does not let us in: {error}; check DESKBUS_REDIS_URL") from error
    except (RedisError, OSError) as error:
        raise RedisUnavailable(f"Redis does not answer: {type(error).__name__}: {error}") from error
    return (clock.now() - datetime.fromtimestamp(seconds + microseconds / 1e6, tz=UTC)).total_seconds()
