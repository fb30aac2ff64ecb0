"""Connections to Valkey: bounded waits, no hidden retries, and waiting out a server that still loads."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from service_kit.bus.port import BusUnavailable
from service_kit.errors import Refused

FAILURES = (RedisError, OSError)
"""Everything a command may raise."""

UNREACHABLE = (RedisConnectionError, RedisTimeoutError, OSError)
"""The server is away, too slow, or still loads its log (`BusyLoadingError` is a connection error)."""

_POLL_SECONDS = 0.05
_DRIVER = DriverInfo()
"""Made once: without it every connection reads the metadata of the installed package anew."""


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Say a failed command in the port's words."""
    try:
        yield
    except FAILURES as error:
        raise BusUnavailable(f"Valkey failed at {doing}: {type(error).__name__}: {error}") from error


def pinned(url: str) -> str:
    """The URL with RESP2 fixed.

    With RESP3 the client expects maintenance notices and therefore no longer notices, before it sends, that a
    pooled connection has died with its server.
    """
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, "protocol=2")))
    return urlunsplit(parts._replace(query=query))


def open_client(url: str, *, timeout_seconds: float) -> Redis:
    """A client that fails instead of waiting longer; whoever called decides whether to try again."""
    return Redis.from_url(
        pinned(url),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=_DRIVER,
    )


def open_connection(url: str, *, timeout_seconds: float) -> Any:
    """One connection, not yet connected. Only connecting is limited in time: whoever uses it limits the rest.

    (redis-py would make every command that it limits a task of its own.)
    """
    pool: Any = ConnectionPool.from_url(
        pinned(url), socket_timeout=None, socket_connect_timeout=timeout_seconds, driver_info=_DRIVER
    )
    return pool.make_connection()


async def wait_until_ready(client: Redis, *, timeout_seconds: float) -> None:
    """Wait until the server answers; one with a large log loads it for seconds first.

    Raises:
        BusUnavailable: it did not in time.
        Refused: it answered, and does not let us in.
    """
    last: Exception | None = None
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                try:
                    await client.ping()
                except (AuthenticationError, NoPermissionError) as error:
                    raise Refused(f"Valkey does not let us in: {error}; check the bus URL") from error
                except UNREACHABLE as error:
                    last = error
                    await asyncio.sleep(_POLL_SECONDS)
                else:
                    return
    except TimeoutError:
        raise BusUnavailable(f"Valkey did not answer within {timeout_seconds:g} s: {last!r}") from last
