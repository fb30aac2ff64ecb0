"""What whoever operates a service asks it: is it alive, can it work, what does it count."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from service_kit.bus import Bus
from service_kit.docstore import DocStore
from service_kit.errors import Unavailable
from service_kit.problem import Problem

_PING_SECONDS = 3.0


def health_router(service: str, bus: Bus, store: DocStore, metrics: CollectorRegistry) -> APIRouter:
    """`/healthz` while the process lives, `/readyz` while its engines answer, `/metrics` for Prometheus."""
    router = APIRouter(tags=["operations"], include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        ailments = await asyncio.gather(_ailment_of(bus.ping), _ailment_of(store.ping))
        failing = {name: ailment for name, ailment in zip(("bus", "store"), ailments, strict=True) if ailment}
        if failing:
            raise Problem(503, "not_ready", f"Not well: {', '.join(failing)}.", failing=failing)
        return {"status": "ok", "service": service}

    @router.get("/metrics")
    async def prometheus() -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return router


async def _ailment_of(ping: Callable[[], Awaitable[None]]) -> str | None:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await ping()
    except Unavailable as error:
        return str(error) or type(error).__name__
    except TimeoutError:
        return f"no answer within {_PING_SECONDS:g} s"
    return None
