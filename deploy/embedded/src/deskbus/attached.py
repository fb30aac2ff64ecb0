"""Engines of a system that runs in another process, for commands that work beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from deskbus.composition import SERVICE_NAMES
from deskbus.embedded import completed_settings
from deskbus.engines import Engines
from deskbus.home import Home
from deskbus.production import names_engines, production_engines
from deskbus.redis_engine import open_redis
from service_kit.admission import DiskAdmission
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings


class NotRunningError(DeskbusError):
    """The command needs a running system."""


@asynccontextmanager
async def attached_engines(settings: PlatformSettings) -> AsyncIterator[Engines]:
    """The engines that the environment names, or those of the system on the home. Nothing is consumed through them.

    Raises:
        NotRunningError: no system has been started on the home.
    """
    if names_engines(settings):
        async with production_engines(settings, SERVICE_NAMES) as engines:
            yield engines
        return
    home = Home(settings.home)
    redis_url = settings.redis_url or home.engine_url()
    if not redis_url or home.owner() is None:
        raise NotRunningError(f"nothing runs on {home.path}; start it with `deskbus up`, then repeat this command")
    settings = completed_settings(settings, home)
    redis = open_redis(redis_url)
    try:
        admission = DiskAdmission(home.path, settings.minimum_free_bytes)
        yield Engines(settings, redis, redis_url, admission, {name: CollectorRegistry() for name in SERVICE_NAMES})
    finally:
        await redis.aclose()


def attached_origin(settings: PlatformSettings) -> str:
    """Where the system answers whose engines `attached_engines` gives."""
    if names_engines(settings):
        return settings.origin
    base_url: str = (Home(settings.home).owner() or {})["base_url"]
    return base_url
