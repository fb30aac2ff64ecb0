"""What a process of its own needs to be told: there is no home that it could find its engines in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from deskbus.engines import Engines, blobs_folder, sqlite_folder
from deskbus.local_disks import LocalDisks
from deskbus.redis_engine import open_redis
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings

_NEEDED = {
    "bus_url": "kafka://host:port or redis://host:port",
    "store_url": "mongodb://host:port or sqlite:///folder",
    "redis_url": "redis://host:port",
    "blobs_url": "s3://bucket/prefix or file:///folder",
    "secret_key": "a long random text, the same for every service",
}
_READY_SECONDS = 5.0
"""Whoever waits for engines does so again and again, and says so in between."""


class SettingsMissingError(DeskbusError):
    """The environment does not say where the engines are, or with which key."""


def names_engines(settings: PlatformSettings) -> bool:
    """Whether the environment describes a production system rather than one in a home."""
    return bool(settings.bus_url and settings.store_url and settings.redis_url)


def require_production(settings: PlatformSettings) -> None:
    """Check that nothing is left to a home.

    Raises:
        SettingsMissingError: with everything that is missing.
    """
    missing = [
        f"DESKBUS_{name.upper()} ({example})"
        for name, example in _NEEDED.items()
        if not (settings.secret_key.get_secret_value() if name == "secret_key" else getattr(settings, name))
    ]
    if missing:
        raise SettingsMissingError(f"not set: {', '.join(missing)}. `deskbus up` needs none of these.")


@asynccontextmanager
async def production_engines(
    settings: PlatformSettings, services: Sequence[str], *, ready_seconds: float = _READY_SECONDS
) -> AsyncIterator[Engines]:
    """Engines by URL alone, for these services. Nothing is connected yet.

    Raises:
        SettingsMissingError: the environment does not name them all.
    """
    require_production(settings)
    redis = open_redis(settings.redis_url)
    try:
        yield Engines(
            settings,
            redis,
            settings.redis_url,
            LocalDisks(local_folders(settings), settings.minimum_free_bytes),
            {name: CollectorRegistry() for name in services},
            ready_timeout_seconds=ready_seconds,
        )
    finally:
        await redis.aclose()


def local_folders(settings: PlatformSettings) -> list[Path]:
    """The folders of this machine that the URLs name."""
    folders = (sqlite_folder(settings.store_url), blobs_folder(settings.blobs_url))
    return [folder for folder in folders if folder is not None]
