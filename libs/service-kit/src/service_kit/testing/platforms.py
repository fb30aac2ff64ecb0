"""Platforms for component tests: real engines in a temporary folder, nothing shared between two tests."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.asyncio import Redis

from contracts.topics import TOPICS
from service_kit.blobs import FolderBlobs
from service_kit.bus.valkey import ValkeyBus
from service_kit.clock import Clock, SystemClock
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.lifecycle import run_services
from service_kit.platform import Platform
from service_kit.secret_box import SecretBox
from service_kit.service import Part, Service
from service_kit.settings import PlatformSettings
from service_kit.signing import Signer
from service_kit.testing.open_admission import OpenAdmission
from service_kit.testing.templated_store import StoreTemplates, TemplatedStore

_SECRET_KEY = "a key for tests that guards nothing"  # noqa: S105 - it guards nothing


class PlatformFactory:
    """Makes the platforms of one test.

    A second platform for the same service is another replica of it: it shares store, blobs and consumer group.
    `templates` are shared with other tests: they hold tables, and no documents.
    """

    def __init__(self, home: Path, valkey_url: str, templates: StoreTemplates | None = None) -> None:
        self._home = home
        self._valkey_url = valkey_url
        self._templates = templates
        self._made: dict[str, list[Platform]] = {}

    def __call__(self, service: str, clock: Clock | None = None) -> Platform:
        """A platform for `service`; its store and bus are not started.

        The bus keeps the system's clock: Valkey numbers its records by real time.
        """
        metrics = CollectorRegistry()
        platform = Platform(
            bus=ValkeyBus(self._valkey_url, source=service, topics=TOPICS, registry=metrics),
            store=self._store(self._home / f"{service}.sqlite"),
            redis=Redis.from_url(self._valkey_url, socket_timeout=5, socket_connect_timeout=5),
            blobs=FolderBlobs(self._home / "blobs"),
            clock=clock or SystemClock(),
            secrets=SecretBox(_SECRET_KEY),
            signer=Signer(_SECRET_KEY),
            admission=OpenAdmission(),
            settings=PlatformSettings(
                home=self._home,
                secret_key=SecretStr(_SECRET_KEY),
                redis_url=self._valkey_url,
                allow_private_urls=True,
            ),
            metrics=metrics,
        )
        self._made.setdefault(service, []).append(platform)
        return platform

    def running(
        self, *services: Service | tuple[Service, Platform], http: Sequence[Part] = ()
    ) -> AbstractAsyncContextManager[None]:
        """Run the whole life of `services` around a block, without an HTTP server.

        A service stands for itself and the platform made under its name; replicas are given as pairs.
        """
        pairs = [one if isinstance(one, tuple) else (one, self._only_platform(one)) for one in services]
        return run_services(pairs, http=http)

    async def close(self) -> None:
        """Close what the platforms opened and no lifecycle closes."""
        for platforms in self._made.values():
            for platform in platforms:
                await platform.redis.aclose()

    def _store(self, path: Path) -> SqliteDocStore:
        return SqliteDocStore(path) if self._templates is None else TemplatedStore(path, self._templates)

    def _only_platform(self, service: Service) -> Platform:
        platforms = self._made.get(service.name, [])
        if len(platforms) != 1:
            raise ValueError(f"{len(platforms)} platforms were made for {service.name}; give (service, platform) pairs")
        return platforms[0]
