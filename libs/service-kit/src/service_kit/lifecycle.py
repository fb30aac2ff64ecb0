"""The order in which services come up and go down, wherever they run (a process each, all in one, or a test)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import IntEnum

import structlog

from service_kit.errors import DeskbusError
from service_kit.platform import Platform
from service_kit.service import Part, Service

logger = structlog.get_logger()

Act = Callable[[], Awaitable[None]]


class StartFailed(DeskbusError):
    """A service could not start. What had begun was stopped again."""


class StopFailed(DeskbusError):
    """Something did not stop cleanly. Everything else was stopped all the same."""


class _Stop(IntEnum):
    """What stops, in order: no new work, then the work in flight, then what it stands on."""

    DOORS = 1
    HTTP = 2
    CONSUMERS = 3
    WORKERS = 4
    BUSES = 5
    STORES = 6


class _Lifecycle:
    """Remembers what has begun, so that exactly that is ended. A part whose start raises cleans up after itself."""

    def __init__(self) -> None:
        self._begun: dict[_Stop, list[tuple[str, Act]]] = {stage: [] for stage in _Stop}

    async def start(self, services: Sequence[tuple[Service, Platform]], http: Sequence[Part]) -> None:
        for service, platform in services:
            await self._begin(f"{service.name}: store", platform.store.start, _Stop.STORES, platform.store.stop)
        for service, platform in services:
            await self._begin(f"{service.name}: bus", platform.bus.start, _Stop.BUSES, platform.bus.stop)
            self._begun[_Stop.CONSUMERS].append((f"{service.name}: consumers", platform.bus.stop_consuming))
        for service, _ in services:
            for number, prepare in enumerate(service.prepare, start=1):
                await self._do(f"{service.name}: preparation {number}", prepare)
        for service, _ in services:
            await self._begin_parts(f"{service.name}: worker", service.workers, _Stop.WORKERS)
        for service, _ in services:
            await self._begin_parts(f"{service.name}: door", service.doors, _Stop.DOORS)
        await self._begin_parts("http", http, _Stop.HTTP)

    async def stop(self) -> list[str]:
        """End what has begun, stage by stage, all of one stage at once; the names of what failed to."""
        failed: list[str] = []
        for stage in _Stop:
            names, acts = [name for name, _ in self._begun[stage]], [act for _, act in self._begun[stage]]
            self._begun[stage] = []
            results = await asyncio.gather(*(act() for act in acts), return_exceptions=True)
            for name, result in zip(names, results, strict=True):
                if isinstance(result, BaseException):
                    logger.error("stop_failed", part=name, exc_info=result)
                    failed.append(name)
        return failed

    async def _begin_parts(self, name: str, parts: Sequence[Part], stage: _Stop) -> None:
        for number, part in enumerate(parts, start=1):
            await self._begin(f"{name} {number} ({type(part).__name__})", part.start, stage, part.stop)

    async def _begin(self, name: str, start: Act, stage: _Stop, stop: Act) -> None:
        await self._do(name, start)
        self._begun[stage].append((name, stop))

    async def _do(self, name: str, act: Act) -> None:
        try:
            await act()
        except Exception as error:
            why = str(error) if isinstance(error, DeskbusError) else f"{type(error).__name__}: {error}"
            raise StartFailed(f"{name} could not start: {why}") from error


@asynccontextmanager
async def run_services(
    services: Sequence[tuple[Service, Platform]], *, http: Sequence[Part] = ()
) -> AsyncIterator[None]:
    """Run services from their stores up to their doors and HTTP servers, and down again on exit.

    Raises:
        StartFailed: with the name of the part that could not start.
        StopFailed: with the names of the parts that did not stop cleanly, unless the body raised already.
    """
    lifecycle = _Lifecycle()
    try:
        await lifecycle.start(services, http)
        yield
    except BaseException:
        await lifecycle.stop()
        raise
    if failed := await lifecycle.stop():
        raise StopFailed(f"did not stop cleanly: {', '.join(failed)}")
