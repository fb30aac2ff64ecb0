"""One measured process: a service, or its floor, on its own connections. Started by `saturation`, never by hand.

It says `{"ready": …}` when it consumes, then what it has done so far about five times a second, and after its
standard input ends everything it counted.
"""

import asyncio
import cProfile
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from redis.asyncio import Redis

import router.app
import tickets.app
from benchmarks.counting import CountingBus, CountingStore
from benchmarks.floor import Floor
from benchmarks.recording import Recording, load_script
from benchmarks.share import Share
from benchmarks.tally import Tally
from deskbus.composition import SERVICE_NAMES
from deskbus.engines import Engines
from service_kit.admission import DiskAdmission
from service_kit.lifecycle import run_services
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings import PlatformSettings
from service_kit.settled_heap import spare_what_stays
from service_kit.telemetry import configure_logging

SECRET_KEY = "a key for benchmarks that guards nothing"  # noqa: S105 - it guards nothing

_SERVICES = {"tickets": tickets.app.create_service, "router": router.app.create_service}
_REPORT_SECONDS = 0.2


class Assignment(BaseModel):
    """What a child is to run. `script`: where a recording is written, or read from by a floor.

    `has_past`: a floor finds what the recorded run began with. `share`: what of it a replica of a floor writes.
    """

    service: Literal["tickets", "router"]
    mode: Literal["pipeline", "record", "floor"]
    home: Path
    bus_url: str
    store_url: str
    redis_url: str
    script: Path
    profile: Path | None = None
    has_past: bool = False
    share: Share = Share()


@asynccontextmanager
async def platform_on(assignment: Assignment) -> AsyncIterator[Platform]:
    """The platform of one service on the engines that a run was given."""
    async with engines_on(assignment) as engines:
        yield engines.platform_of(assignment.service)


@asynccontextmanager
async def engines_on(assignment: Assignment) -> AsyncIterator[Engines]:
    """The engines that a run was given."""
    settings = PlatformSettings(
        home=assignment.home,
        bus_url=assignment.bus_url,
        store_url=assignment.store_url,
        redis_url=assignment.redis_url,
        secret_key=SecretStr(SECRET_KEY),
        allow_private_urls=True,
    )
    redis = Redis.from_url(assignment.redis_url, socket_timeout=5, socket_connect_timeout=5)
    admission = DiskAdmission(assignment.home, settings.minimum_free_bytes)
    await admission.start()
    try:
        registries = {name: CollectorRegistry() for name in SERVICE_NAMES}
        yield Engines(settings, redis, assignment.redis_url, admission, registries)
    finally:
        await admission.stop()
        await redis.aclose()


async def run(assignment: Assignment) -> None:
    """Run until standard input ends."""
    tally, recording = Tally(), Recording(is_on=assignment.mode == "record")
    floor = Floor(has_past=assignment.has_past, share=assignment.share) if assignment.mode == "floor" else None
    async with platform_on(assignment) as engines:
        store = CountingStore(engines.store, tally, recording)
        bus = CountingBus(engines.bus, tally, recording, floor.handler if floor else None)
        platform = replace(engines, store=store, bus=bus)
        service = _SERVICES[assignment.service](platform)
        if floor is not None:
            floor.prepare(load_script(assignment.script), store.declared, bus)
            service = Service(name=service.name, api=service.api, prefixes=service.prefixes)
        async with run_services([(service, platform)]):
            spare_what_stays()
            _say({"ready": assignment.service})
            await _report_until_told(tally)
    recording.save(assignment.script)
    _say({"done": tally.as_json()})


async def _report_until_told(tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    told = loop.run_in_executor(None, sys.stdin.read)
    while not told.done():
        await asyncio.wait([told], timeout=_REPORT_SECONDS)
        _say({"handled": dict(tally.handled), "published": dict(tally.published)})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(text: str) -> None:
    """Run the assignment given as JSON."""
    assignment = Assignment.model_validate_json(text)
    configure_logging("WARNING", json=True)
    if assignment.profile is None:
        asyncio.run(run(assignment))
        return
    profiler = cProfile.Profile()
    profiler.runcall(asyncio.run, run(assignment))
    profiler.dump_stats(assignment.profile)


if __name__ == "__main__":
    main(sys.argv[1])
