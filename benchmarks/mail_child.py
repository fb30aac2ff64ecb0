"""A process that accepts mail and nothing else, for `mail_accept`: our door, or a bare aiosmtpd handler.

It says `{"port": …}` when it listens, `{"cpu_seconds": …}` when it is asked, and ends with its standard input.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from redis.asyncio import Redis

from benchmarks.child import SECRET_KEY
from contracts.ids import new_id
from deskbus.engines import Engines
from end_to_end.process import free_ports
from ingest_email.address_book import AddressBook
from ingest_email.app import create_service
from ingest_email.blob_keys import content_key
from service_kit.admission import DiskAdmission
from service_kit.blobs import FolderBlobs
from service_kit.bus import Bus, Subscription
from service_kit.settings import PlatformSettings
from service_kit.telemetry import configure_logging

Mode = Literal["door", "bare"]

ACCOUNT = "acc_bench"


class Orders(BaseModel):
    """What to accept, and on which engines."""

    mode: Mode
    home: Path
    redis_url: str
    address: str


class PublishingBus:
    """A bus to which nobody listens: what was announced stays where it is."""

    def __init__(self, inner: Bus) -> None:
        self._inner = inner

    def subscribe(self, _subscription: Subscription) -> None:
        """Not while accepting is measured."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class BareHandler:
    """What one writes first: store the bytes as we do, synced, and say 250."""

    def __init__(self, blobs: FolderBlobs) -> None:
        self._blobs = blobs

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its API
        """Store, then acknowledge."""
        content = envelope.original_content or b""
        await self._blobs.put(await content_key(ACCOUNT, "mail", content), content)
        return f"250 2.0.0 {new_id('dlv')}"


def main() -> None:
    """Accept until the input ends."""
    configure_logging("WARNING", json=True)
    asyncio.run(_accept(Orders.model_validate_json(sys.argv[1])))


async def _accept(orders: Orders) -> None:
    (port,) = free_ports(1)
    async with (_door if orders.mode == "door" else _bare)(orders, port):
        _say(port=port)
        async for _ in _asked():
            _say(cpu_seconds=time.process_time())


@asynccontextmanager
async def _door(orders: Orders, port: int) -> AsyncIterator[None]:
    """The service as it is put together everywhere, without its consumers and workers."""
    settings = PlatformSettings(
        home=orders.home, redis_url=orders.redis_url, secret_key=SecretStr(SECRET_KEY), smtp_port=port
    )
    redis = Redis.from_url(orders.redis_url)
    admission = DiskAdmission(orders.home, settings.minimum_free_bytes)
    await admission.start()
    engines = Engines(settings, redis, orders.redis_url, admission, {"ingest-email": CollectorRegistry()})
    platform = engines.platform_of("ingest-email")
    platform = replace(platform, bus=cast("Bus", PublishingBus(platform.bus)))
    service = create_service(platform)
    await platform.store.start()
    await platform.bus.start()
    book = AddressBook(platform)
    await book.area.ensure(ACCOUNT)
    await book.area.patch(ACCOUNT, {"addresses": {orders.address: {}}})
    for door in service.doors:
        await door.start()
    yield
    for door in service.doors:
        await door.stop()
    await platform.bus.stop()
    await platform.store.stop()
    await admission.stop()
    await redis.aclose()


@asynccontextmanager
async def _bare(orders: Orders, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    handler = BareHandler(FolderBlobs(orders.home / "blobs"))
    server = await loop.create_server(lambda: SMTP(handler, hostname="bare.example", loop=loop), "127.0.0.1", port)
    async with server:
        yield


async def _asked() -> AsyncIterator[None]:
    """Once for each line of the input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        yield


def _say(**facts: float) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
