"""Every route of every service, and what it asks for: read off the composed applications, so that none is forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from contracts.audit import AuditAction
from deskbus.composition import SERVICE_NAMES, compose
from deskbus.engines import Engines
from deskbus.local_disks import LocalDisks
from deskbus.redis_engine import open_redis
from service_kit.auth import Permission
from service_kit.auth.dependency import Requires, authenticate
from service_kit.http.audited import Audited
from service_kit.service import Service
from service_kit.settings import PlatformSettings

_NOWHERE = "redis://localhost"
"""Services are composed to be read, and nothing connects."""


@dataclass(frozen=True, slots=True)
class Door:
    """One route: who may pass, and what the audit log calls passing it."""

    service: str
    method: str
    path: str
    permissions: tuple[Permission, ...]
    needs_credential: bool
    action: AuditAction | None

    @property
    def is_write(self) -> bool:
        """Whether passing may change something."""
        return self.method not in {"GET", "HEAD"}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


async def composed(home: Path) -> Sequence[Service]:
    """All services, none of them started."""
    settings = PlatformSettings().model_copy(
        update={"home": home, "bus_url": "", "store_url": "", "blobs_url": "", "secret_key": SecretStr("-" * 16)}
    )
    redis = open_redis(_NOWHERE)
    try:
        registries = {name: CollectorRegistry() for name in SERVICE_NAMES}
        return [service for service, _ in compose(Engines(settings, redis, _NOWHERE, LocalDisks([], 0), registries))]
    finally:
        await redis.aclose()


async def every_door(home: Path) -> list[Door]:
    """Every HTTP route of every service."""
    return [door for service in await composed(home) for door in doors_of(service)]


def doors_of(service: Service) -> Iterator[Door]:
    """The HTTP routes of one service."""
    for route in service.api.routes:
        if not isinstance(route, APIRoute):
            continue
        asked = list(_asked(route.dependant))
        action = next((one.action for one in asked if isinstance(one, Audited)), None)
        permissions = tuple(dict.fromkeys(one.permission for one in asked if isinstance(one, Requires)))
        for method in sorted(route.methods or ()):
            yield Door(service.name, method, route.path, permissions, authenticate in asked, action)


def _asked(dependant: Dependant) -> Iterator[object]:
    for part in dependant.dependencies:
        yield part.call
        yield from _asked(part)
