"""What whoever operates a service asks it: is it alive, can it work, what does it count."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_kit.admission import Admission, StorageFull
from service_kit.errors import Unavailable
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from service_kit.problem import Problem

_PING_SECONDS = 3.0


class RedisUnavailable(Unavailable):
    """Redis does not answer: nobody can be let in, nothing is limited or fanned out."""


def health_router(service: str, platform: Platform) -> Routes:
    """`/healthz` while the process lives, `/readyz` while its engines answer, `/metrics` for Prometheus."""
    router = Routes(tags=["operations"], include_in_schema=False)
    pings: dict[str, Callable[[], Awaitable[None]]] = {
        "bus": platform.bus.ping,
        "store": platform.store.ping,
        "redis": partial(_ping, platform.redis),
    }
    ready = Gauge(
        "deskbus_ready",
        "Whether this engine answered when readiness was asked for last.",
        ("part",),
        registry=platform.metrics,
    )
    _watch_admission(platform.admission, platform.metrics)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "service": service}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        ailments = await asyncio.gather(*map(_ailment_of, pings.values()))
        failing = {name: ailment for name, ailment in zip(pings, ailments, strict=True) if ailment}
        for name in pings:
            ready.labels(name).set(name not in failing)
        if failing:
            raise Problem(503, "not_ready", f"Not well: {', '.join(failing)}.", failing=failing)
        return {"status": "ok", "service": service}

    @router.get("/metrics")
    async def prometheus() -> Response:
        return Response(generate_latest(platform.metrics), media_type=CONTENT_TYPE_LATEST)

    return router


def _watch_admission(admission: Admission, registry: CollectorRegistry) -> None:
    def is_open() -> float:
        try:
            admission.check()
        except StorageFull:
            return 0.0
        return 1.0

    gauge = Gauge(
        "deskbus_admission_open", "Whether new work is taken in: not while disks are full.", registry=registry
    )
    gauge.set_function(is_open)


async def _ping(redis: Redis) -> None:
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        raise RedisUnavailable(f"Redis does not answer: {type(error).__name__}") from error


async def _ailment_of(ping: Callable[[], Awaitable[None]]) -> str | None:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await ping()
    except Unavailable as error:
        return str(error) or type(error).__name__
    except TimeoutError:
        return f"no answer within {_PING_SECONDS:g} s"
    return None
