"""Seeing from outside when something first happens to each ticket: a group of its own on `ticket-events-v1`."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.asyncio import Redis

from benchmarks.child import SECRET_KEY
from contracts.envelope import Event
from contracts.tickets import TicketEvent
from contracts.topic import ServiceName
from contracts.topics import TICKET_EVENTS
from deskbus.engines import Engines
from service_kit.admission import DiskAdmission
from service_kit.bus import Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.settings import PlatformSettings


@asynccontextmanager
async def observing(
    home: Path, redis_url: str, bus_url: str, kind: type[TicketEvent], seen: dict[str, float]
) -> AsyncIterator[None]:
    """Note in `seen` when the first event of that kind of each ticket is on the bus."""

    async def note(events: Sequence[Event]) -> None:
        now = time.monotonic()
        for event in events:
            if isinstance(event, kind):
                seen.setdefault(event.ticket_id, now)

    settings = PlatformSettings(home=home, bus_url=bus_url, redis_url=redis_url, secret_key=SecretStr(SECRET_KEY))
    redis = Redis.from_url(redis_url)
    admission = DiskAdmission(home, 0)
    engines = Engines(settings, redis, redis_url, admission, {"benchmark": CollectorRegistry()})
    bus = engines.platform_of("benchmark").bus
    bus.subscribe(Subscription(TICKET_EVENTS, "benchmark", note, only=(kind,)))
    if bus_url:
        await _make_room(bus_url)
    await bus.start()
    try:
        yield
    finally:
        await bus.stop()
        await redis.aclose()


async def _make_room(bus_url: str) -> None:
    """On Kafka every group has its dead letters, made by the owner of the topic; no contract knows of this group."""
    groups = cast("tuple[ServiceName, ...]", (*TICKET_EVENTS.consumers, "benchmark"))
    watched = replace(TICKET_EVENTS, consumers=groups)
    owner = KafkaBus(bus_url, source=TICKET_EVENTS.owner, topics=[watched], registry=CollectorRegistry())
    await owner.provision()
