"""The system as production runs it: processes of each service on Kafka, MongoDB and Valkey, behind one front."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from deskbus.routes import known_routes
from end_to_end.process import run_deskbus
from faults.balancer import Balancer
from faults.fault_proxy import FaultProxy
from faults.fleet_engines import FleetEngines
from faults.kafka_view import KafkaView, kafka_view
from faults.mongo_rest import unfinished_at
from faults.ports import free_port
from faults.replica import Replica

SIZES: Mapping[str, int] = {
    "tickets": 2,
    "router": 2,
    "ingest-email": 2,
    "ingest-sms": 2,
    "webchat-gateway": 2,
    "notifier": 1,
    "reporting": 1,
}
"""Processes that run from the beginning; each service has one more in reserve."""

_FIRST_ACCOUNT = ("Deskbus", "owner@deskbus.example", "support@deskbus.example")
_KEY = "a key for tests that guards nothing"


class Fleet:
    """The processes, and what is in front of them."""

    def __init__(
        self,
        folder: Path,
        engines: FleetEngines,
        environment: Mapping[str, str],
        sizes: Mapping[str, int] = SIZES,
    ) -> None:
        front_port = free_port()
        self.base_url = f"http://127.0.0.1:{front_port}"
        self.engines = engines
        self.environment = {
            **engines.environment,
            "DESKBUS_BLOBS_URL": (folder / "blobs").as_uri(),
            "DESKBUS_SECRET_KEY": _KEY,
            "DESKBUS_PUBLIC_URL": self.base_url,
            "DESKBUS_TRUSTED_PROXIES": "127.0.0.1",
            "DESKBUS_ALLOW_PRIVATE_URLS": "1",
            **environment,
        }
        self.replicas = {
            service: [Replica(service, number, folder, self.environment) for number in range(size + 1)]
            for service, size in sizes.items()
        }
        self._sizes = sizes
        self._front_port = front_port
        self._by_port = {replica.port: replica for several in self.replicas.values() for replica in several}
        self._smtp = FaultProxy(
            lambda: [replica.smtp_port for replica in self.replicas["ingest-email"] if replica.is_alive]
        )
        self._owner: dict[str, Any] = {}

    @property
    def smtp_port(self) -> int:
        """Where mail is taken in, by whichever process is up."""
        return self._smtp.port

    @property
    def owner(self) -> dict[str, Any]:
        """The first account's owner."""
        return self._owner

    @property
    def running(self) -> list[Replica]:
        """Every process there is."""
        return [replica for replica in self._by_port.values() if replica.is_alive]

    def reserve_of(self, service: str) -> Replica:
        """The process of a service that does not run from the beginning."""
        return self.replicas[service][-1]

    async def boot(self) -> None:
        """Provision, start every process, and make the first account."""
        await self._command("init", "--wait", "30")
        for service, size in self._sizes.items():
            for replica in self.replicas[service][:size]:
                replica.start()
        await self.until_ready()
        self._owner = json.loads(await self._command("account", "create", *_FIRST_ACCOUNT))

    async def until_ready(self) -> None:
        """Wait until every process that runs can work."""
        await asyncio.gather(*(replica.until_ready() for replica in self.running))

    def bus_view(self) -> AbstractAsyncContextManager[KafkaView]:
        """The topics of its Kafka."""
        return kafka_view(self.engines.kafka.url)

    async def unfinished(self) -> Mapping[str, int]:
        """What its databases say is not finished."""
        return {what: many async for what, many in unfinished_at(self.engines.documents.url)}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Fleet"]:
        """With its front up, and nothing started; whatever runs at the end is killed."""
        routes = await known_routes()
        ports = {service: [replica.port for replica in several] for service, several in self.replicas.items()}
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._smtp)
            stack.enter_context(Balancer(self._front_port, routes, ports, lambda port: self._by_port[port].is_alive))
            try:
                yield self
            finally:
                await asyncio.gather(*(replica.bury() for replica in self._by_port.values()))

    async def _command(self, *arguments: str) -> str:
        environment = {**_of_the_machine(), **self.environment}
        done = await asyncio.to_thread(run_deskbus, *arguments, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _of_the_machine() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DESKBUS_")}
