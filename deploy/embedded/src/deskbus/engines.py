"""The engines behind the ports, chosen by URL. An engine that no URL names is not even imported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from contracts.topics import TOPICS
from service_kit.admission import Admission
from service_kit.blobs import Blobs, FolderBlobs
from service_kit.bus import Bus
from service_kit.clock import SystemClock
from service_kit.docstore import DocStore
from service_kit.errors import DeskbusError
from service_kit.platform import Platform
from service_kit.secret_box import SecretBox
from service_kit.settings import PlatformSettings
from service_kit.signing import Signer

_READY_SECONDS = 60.0
_FOLDER = "file://"
_SQLITE = "sqlite:///"


class UnsupportedEngineError(DeskbusError):
    """A URL names an engine that this build does not have, or not in a way that it understands."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What all services of one process share, and how each gets its own bus and store."""

    settings: PlatformSettings
    redis: Redis
    redis_url: str = field(repr=False)
    admission: Admission
    registries: Mapping[str, CollectorRegistry]
    ready_timeout_seconds: float = _READY_SECONDS
    """How long a bus or store waits, when it starts, for an engine that does not answer yet."""

    def platform_of(self, service: str) -> Platform:
        """The collaborators of one service."""
        key = self.settings.secret_key.get_secret_value()
        registry = self.registries[service]
        return Platform(
            bus=self._bus(service, registry),
            store=self._store(service),
            redis=self.redis,
            blobs=self._blobs(),
            clock=SystemClock(),
            secrets=SecretBox(key),
            signer=Signer(key),
            admission=self.admission,
            settings=self.settings,
            metrics=registry,
        )

    def _bus(self, service: str, registry: CollectorRegistry) -> Bus:
        url, patience = self.settings.bus_url or self.redis_url, self.ready_timeout_seconds
        match _scheme(url):
            case "redis" | "rediss" | "unix":
                from service_kit.bus.valkey import ValkeyBus  # noqa: PLC0415 - see the module

                return ValkeyBus(url, source=service, topics=TOPICS, registry=registry, ready_timeout_seconds=patience)
            case "kafka":
                from service_kit.bus.kafka import KafkaBus  # noqa: PLC0415 - see the module

                with _named("DESKBUS_BUS_URL"):
                    return KafkaBus(
                        url, source=service, topics=TOPICS, registry=registry, ready_timeout_seconds=patience
                    )
            case other:
                raise UnsupportedEngineError(
                    f"DESKBUS_BUS_URL: {other!r} is not supported; use kafka://host:port or redis://host:port"
                )

    def _store(self, service: str) -> DocStore:
        url = self.settings.store_url
        match _scheme(url):
            case "" | "sqlite":
                from service_kit.docstore.sqlite import SqliteDocStore  # noqa: PLC0415 - see the module

                folder = sqlite_folder(url) or self.settings.home / "store"
                return SqliteDocStore(folder / f"{service}.sqlite")
            case "mongodb" | "mongodb+srv":
                from service_kit.docstore.mongo import MongoDocStore  # noqa: PLC0415 - see the module

                return MongoDocStore(
                    url, database=database_of(service), ready_timeout_seconds=self.ready_timeout_seconds
                )
            case other:
                raise UnsupportedEngineError(
                    f"DESKBUS_STORE_URL: {other!r} is not supported; use mongodb://host:port or sqlite:///folder"
                )

    def _blobs(self) -> Blobs:
        url = self.settings.blobs_url
        match _scheme(url):
            case "" | "file":
                return FolderBlobs(blobs_folder(url) or self.settings.home / "blobs")
            case "s3":
                from service_kit.blobs_s3 import S3Blobs  # noqa: PLC0415 - see the module

                return S3Blobs(url)
            case other:
                raise UnsupportedEngineError(
                    f"DESKBUS_BLOBS_URL: {other!r} is not supported; use s3://bucket/prefix or file:///folder"
                )


def database_of(service: str) -> str:
    """The database of one service."""
    return f"deskbus_{service.replace('-', '_')}"


def sqlite_folder(url: str) -> Path | None:
    """The folder that a store's URL names, if it names one; a fourth slash makes it absolute."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def blobs_folder(url: str) -> Path | None:
    """The folder that a blobs' URL names, if it names one."""
    return Path(unquote(urlsplit(url).path)) if url.startswith(_FOLDER) else None


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """Say which setting holds a URL that its engine cannot read."""
    try:
        yield
    except ValueError as error:
        raise UnsupportedEngineError(f"{setting}: {error}") from error


def _scheme(url: str) -> str:
    return url.partition(":")[0]
