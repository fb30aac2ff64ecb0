"""This machine beside the engines': the clocks, and the room that is left."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from redis.asyncio import Redis

from deskbus.doctor.finding import Finding
from deskbus.redis_engine import LARGEST_SKEW_SECONDS, redis_skew_seconds
from service_kit.clock import Clock
from service_kit.errors import DeskbusError, Refused
from service_kit.settings import PlatformSettings

_COMFORT = 16
"""So many times the room at which doors close should be left."""


async def look_at_redis(redis: Redis, clock: Clock) -> list[Finding]:
    """Whether Redis answers and lets us in, and whether its clock is ours."""
    try:
        skew = await redis_skew_seconds(redis, clock)
    except Refused as error:
        return [Finding("redis", "failed", str(error), "correct user or password in DESKBUS_REDIS_URL")]
    except DeskbusError as error:
        return [Finding("redis", "failed", str(error), "start it, or correct DESKBUS_REDIS_URL")]
    return [Finding("redis", "ok", "Redis answers"), clock_finding("Redis", skew)]


async def look_at_store_clock(settings: PlatformSettings, clock: Clock) -> list[Finding]:
    """Whether the clock of a MongoDB that answers is ours; a file has none."""
    if not settings.store_url.startswith("mongodb"):
        return []
    from pymongo.errors import PyMongoError  # noqa: PLC0415 - only where MongoDB is the store

    from service_kit.docstore.mongo_connection import open_client  # noqa: PLC0415

    client = open_client(settings.store_url, timeout_seconds=5)
    try:
        said = (await client.admin.command("hello")).get("localTime")
    except PyMongoError as error:
        return [Finding("clock", "warning", f"the store does not tell its time: {type(error).__name__}", "ask again")]
    finally:
        await client.close()
    if not isinstance(said, datetime):
        return [Finding("clock", "warning", "the store does not tell its time", "compare the clocks by hand")]
    return [clock_finding("the store", (clock.now() - said.astimezone(UTC)).total_seconds())]


def clock_finding(whose: str, skew_seconds: float) -> Finding:
    """What a difference between two clocks means: leases and due times are compared between machines."""
    if abs(skew_seconds) <= LARGEST_SKEW_SECONDS:
        return Finding("clock", "ok", f"this machine's clock is {whose}'s")
    side = "ahead of" if skew_seconds > 0 else "behind"
    return Finding(
        "clock",
        "failed",
        f"this machine's clock is {abs(skew_seconds):.1f} s {side} {whose}'s",
        "let both follow the same time servers (chrony, systemd-timesyncd): work is done late or twice otherwise",
    )


def look_at_disks(folders: Sequence[Path], minimum_free_bytes: int) -> list[Finding]:
    """Whether there is room where something is written here."""
    return [disk_finding(folder, shutil.disk_usage(_there(folder)).free, minimum_free_bytes) for folder in folders]


def disk_finding(folder: Path, free_bytes: int, minimum_free_bytes: int) -> Finding:
    """What the free room of a folder means."""
    says = f"{folder} has {free_bytes // 1024**2} MiB of room"
    if free_bytes < minimum_free_bytes:
        return Finding("disk", "failed", f"{says}: the doors are closed", "make room, or give it a larger disk")
    if free_bytes < _COMFORT * minimum_free_bytes:
        return Finding("disk", "warning", f"{says}; the doors close at {minimum_free_bytes // 1024**2}", "make room")
    return Finding("disk", "ok", says)


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
