"""The engines behind the ports, chosen by URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from contracts.topics import TOPICS
from service_kit.admission import DiskAdmission
from service_kit.blobs import FolderBlobs
from service_kit.bus import Bus
from service_kit.bus.valkey import ValkeyBus
from service_kit.clock import SystemClock
from service_kit.docstore import DocStore
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.errors import DeskbusError
from service_kit.platform import Platform
from service_kit.secret_box import SecretBox
from service_kit.settings import PlatformSettings
from service_kit.signing import Signer


class UnsupportedEngineError(DeskbusError):
    """A URL names an engine that this build does not have."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What all services of one process share, and how each gets its own bus and store."""

    settings: PlatformSettings
    redis: Redis
    redis_url: str
    admission: DiskAdmission
    registries: Mapping[str, CollectorRegistry]

    def platform_of(self, service: str) -> Platform:
        """The collaborators of one service."""
        key = self.settings.secret_key.get_secret_value()
        registry = self.registries[service]
        return Platform(
            bus=self._bus(service, registry),
            store=self._store(service),
            redis=self.redis,
            blobs=FolderBlobs(self.settings.home / "blobs"),
            clock=SystemClock(),
            secrets=SecretBox(key),
            signer=Signer(key),
            admission=self.admission,
            settings=self.settings,
            metrics=registry,
        )

    def _bus(self, service: str, registry: CollectorRegistry) -> Bus:
        url = self.settings.bus_url or self.redis_url
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise UnsupportedEngineError(f"DESKBUS_BUS_URL: {_scheme(url)} is not supported; use redis://host:port")
        return ValkeyBus(url, source=service, topics=TOPICS, registry=registry)

    def _store(self, service: str) -> DocStore:
        url = self.settings.store_url
        if not url:
            return SqliteDocStore(self.settings.home / "store" / f"{service}.sqlite")
        if not url.startswith("sqlite:///"):
            raise UnsupportedEngineError(f"DESKBUS_STORE_URL: {_scheme(url)} is not supported; use sqlite:///folder")
        return SqliteDocStore(Path(url.removeprefix("sqlite:///")) / f"{service}.sqlite")


def _scheme(url: str) -> str:
    return f"{url.split(':', 1)[0]!r}"
