"""The bus contract on Valkey Streams, with a real server that is really killed."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from contracts.topic import Topic
from service_kit.bus.patience import Patience
from service_kit.bus.record import Record
from service_kit.bus.valkey import ValkeyBus
from service_kit.bus.valkey.streams import fields_of
from service_kit.engine_valkey import ValkeyServer
from service_kit.testing.bus_contract import BusContract
from service_kit.testing.bus_harness import QUICK


class ValkeyHarness:
    """One embedded server, and buses on it."""

    comes_back_seconds = 40.0

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server

    def bus(self, *topics: Topic, patience: Patience = QUICK, registry: CollectorRegistry | None = None) -> ValkeyBus:
        """A bus that gives up on an absent server soon."""
        return ValkeyBus(
            self._server.url,
            source="tickets",
            topics=topics,
            patience=patience,
            registry=registry or CollectorRegistry(),
            ready_timeout_seconds=2.0,
        )

    async def append(self, topic: Topic, record: Record) -> None:
        """Write an entry as any client can."""
        async with Redis.from_url(self._server.url) as client:
            await client.xadd(topic.name, fields_of(record))

    async def kill(self) -> None:
        """SIGKILL; the supervisor starts it again."""
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGKILL)

    async def take_down(self) -> None:
        """Stop the server and its supervisor."""
        await self._server.stop()

    async def bring_up(self) -> None:
        """Start it on the same files and address."""
        await self._server.start()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyHarness]:
    """One server for the whole contract; every test has its own topics."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    await server.start()
    yield ValkeyHarness(server)
    await server.stop()


@pytest.mark.asyncio(loop_scope="module")
class TestValkeyBus(BusContract):
    """Every promise of the port."""
