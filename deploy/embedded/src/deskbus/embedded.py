"""Everything in one process: Valkey, the seven services, one HTTP origin; started and stopped in order."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from deskbus.composition import SERVICE_NAMES, compose
from deskbus.engines import Engines
from deskbus.first_account import ensure_first_account
from deskbus.home import Home
from deskbus.operations import create_operations
from deskbus.origin import Origin
from deskbus.redis_engine import open_redis
from deskbus.web_server import WebServer
from service_kit.admission import DiskAdmission
from service_kit.crash_points import arm_from
from service_kit.engine_valkey import ValkeyServer
from service_kit.lifecycle import run_services
from service_kit.settings import PlatformSettings
from service_kit.telemetry import configure_tracing, span_processors

VERSION = version("deskbus")


@dataclass(frozen=True, slots=True)
class Running:
    """A system that is ready, and how to reach it."""

    settings: PlatformSettings
    base_url: str
    home: Home


@asynccontextmanager
async def run_embedded(settings: PlatformSettings, home: Home) -> AsyncIterator[Running]:
    """Start everything; ready inside the context. On exit: doors, consumers, outbox, Valkey."""
    settings = completed_settings(settings, home)
    arm_from(settings.crash_at)
    configure_tracing("deskbus", span_processors(settings.otlp_endpoint))
    async with AsyncExitStack() as stack:
        redis_url = await _redis_url(stack, settings, home)
        redis = open_redis(redis_url)
        stack.push_async_callback(redis.aclose)
        admission = DiskAdmission(home.path, settings.minimum_free_bytes)
        await stack.enter_async_context(_started(admission))
        engines = Engines(settings, redis, redis_url, admission, {name: CollectorRegistry() for name in SERVICE_NAMES})
        composed = compose(engines)
        operations = create_operations(composed, version=VERSION, url=settings.origin)
        origin = Origin([service for service, _ in composed], operations)
        web = WebServer(
            origin,
            host=settings.http_host,
            port=settings.http_port,
            trusted_proxies=settings.trusted_proxies,
            origin=settings.origin,
        )
        await stack.enter_async_context(run_services(composed, http=[web]))
        local = f"http://{_reachable(settings.http_host)}:{settings.http_port}"
        await ensure_first_account(home, composed, base_url=local)
        yield Running(settings, local, home)


def _reachable(host: str) -> str:
    """Where this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound


def completed_settings(settings: PlatformSettings, home: Home) -> PlatformSettings:
    """The settings with what the home decides: absolute paths, and a key of its own unless one is given."""
    update: dict[str, object] = {"home": home.path}
    if not settings.secret_key.get_secret_value():
        update["secret_key"] = SecretStr(home.secret_key())
    return settings.model_copy(update=update)


async def _redis_url(stack: AsyncExitStack, settings: PlatformSettings, home: Home) -> str:
    """The given Redis or Valkey, or one of our own, supervised and kept in the home."""
    if settings.redis_url:
        return settings.redis_url
    server = ValkeyServer(home.path)
    await server.start()
    stack.push_async_callback(server.stop)
    home.write_engine_url(server.url)
    return server.url


@asynccontextmanager
async def _started(admission: DiskAdmission) -> AsyncIterator[None]:
    await admission.start()
    try:
        yield
    finally:
        await admission.stop()
