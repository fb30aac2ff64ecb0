"""Engines of a system that runs in another process, for commands that work beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from deskbus.composition import SERVICE_NAMES
from deskbus.embedded import completed_settings
from deskbus.engines import Engines
from deskbus.home import Home
from service_kit.admission import DiskAdmission
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings


class NotRunningError(DeskbusError):
    """The command needs a running system."""


@asynccontextmanager
async def attached_engines(settings: PlatformSettings, home: Home) -> AsyncIterator[Engines]:
    """The engines of the system on this home. Nothing is consumed through them.

    Raises:
        NotRunningError: no system has been started on the home.
    """
    redis_url = settings.redis_url or home.engine_url()
    if not redis_url or home.owner() is None:
        raise NotRunningError(f"nothing runs on {home.path}; start it with `deskbus up`, then repeat this command")
    settings = completed_settings(settings, home)
    redis = Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5)
    try:
        admission = DiskAdmission(home.path, settings.minimum_free_bytes)
        yield Engines(settings, redis, redis_url, admission, {name: CollectorRegistry() for name in SERVICE_NAMES})
    finally:
        await redis.aclose()
