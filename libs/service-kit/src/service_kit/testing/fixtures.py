"""Pytest fixtures for component tests; the root conftest loads them.

async def test_something(make_platform, running):
    service = create_service(make_platform("tickets", clock=ManualClock(NOON)))
    async with running(service), httpx.AsyncClient(transport=httpx.ASGITransport(app=service.api), …) as http:
        …
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from service_kit.engine_valkey import ValkeyServer
from service_kit.testing.platforms import PlatformFactory
from service_kit.testing.templated_store import StoreTemplates


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real embedded Valkey, one for each test process (pytest-xdist workers have one each)."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    await server.start()
    yield server.url
    await server.stop()


@pytest.fixture(scope="session")
def store_templates(tmp_path_factory: pytest.TempPathFactory) -> StoreTemplates:
    """Tables that the stores of this test process begin with."""
    return StoreTemplates(tmp_path_factory.mktemp("stores"))


@pytest_asyncio.fixture
async def make_platform(
    valkey_url: str, tmp_path: Path, store_templates: StoreTemplates
) -> AsyncIterator[PlatformFactory]:
    """Makes platforms on engines that hold nothing yet.

    The server is emptied before each test rather than given a numbered database: those are sixteen only, and what
    earlier tests left would go on using memory. Tests of one process never run at the same time.
    """
    async with Redis.from_url(valkey_url) as redis:
        await redis.flushall()
    platforms = PlatformFactory(tmp_path, valkey_url, store_templates)
    yield platforms
    await platforms.close()


@pytest.fixture
def running(make_platform: PlatformFactory) -> Callable[..., AbstractAsyncContextManager[None]]:
    """`PlatformFactory.running`: the lifecycle that production uses, for the services of this test."""
    return make_platform.running
