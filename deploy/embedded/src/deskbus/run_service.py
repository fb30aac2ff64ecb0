"""`deskbus run`: one service in a process of its own, on engines that may come and go."""

import asyncio
from importlib.metadata import version

import structlog

from deskbus.composition import SERVICE_NAMES, UnknownServiceError, compose_one
from deskbus.entrance import Entrance
from deskbus.production import production_engines, require_production
from deskbus.redis_engine import require_redis
from deskbus.service_site import ServiceSite
from deskbus.told_to_stop import until_told_to_stop
from deskbus.web_server import WebServer
from service_kit.crash_points import arm_from
from service_kit.errors import DeskbusError, TransientError
from service_kit.lifecycle import StartFailed, run_services
from service_kit.settings import PlatformSettings
from service_kit.settled_heap import spare_what_stays
from service_kit.stop_signal import StopSignal
from service_kit.telemetry import configure_logging, configure_tracing, span_processors

_PAUSE_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 30.0

log = structlog.get_logger(__name__)


class StoppedLateError(DeskbusError):
    """Work in flight did not end within the grace time. It is done again after the next start."""


async def run_service(settings: PlatformSettings, name: str) -> None:
    """Run one service until told to stop. Its log is JSON lines on standard error.

    Raises:
        DeskbusError: the settings do not fit, a port is taken, an engine refuses us: nothing that waiting would help.
    """
    if name not in SERVICE_NAMES:
        raise UnknownServiceError(f"there is no service {name!r}; there are: {', '.join(SERVICE_NAMES)}")
    require_production(settings)
    configure_logging(settings.log_level, json=True)
    configure_tracing(f"deskbus-{name}", span_processors(settings.otlp_endpoint))
    arm_from(settings.crash_at)
    await ServiceProcess(settings, name).run()


class ServiceProcess:
    """The life of one service: HTTP at once, the service as soon as its engines are there, an end in order."""

    def __init__(self, settings: PlatformSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._stopping = StopSignal()
        self._entrance = Entrance(name)
        self._web = WebServer(
            self._entrance,
            host=settings.http_host,
            port=settings.http_port,
            trusted_proxies=settings.trusted_proxies,
            origin=settings.origin,
        )
        self._said: tuple[str, float] = ("", 0.0)

    async def run(self) -> None:
        """Live until told to stop."""
        life, told = asyncio.create_task(self._live()), asyncio.create_task(until_told_to_stop())
        await asyncio.wait({life, told}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            await self._end(life)
        told.cancel()
        if not life.cancelled():
            life.result()

    async def _end(self, life: asyncio.Task[None]) -> None:
        self._stopping.set()
        if not self._entrance.is_open:
            life.cancel()
        patience = self._settings.stop_delay_seconds + self._settings.stop_grace_seconds
        _, late = await asyncio.wait({life}, timeout=patience)
        if late:
            life.cancel()
            await asyncio.wait({life})
            raise StoppedLateError(f"{self._name} did not stop within {patience:g} s; its work is done again")

    async def _live(self) -> None:
        await self._web.start()
        log.info("http_open", service=self._name, host=self._settings.http_host, port=self._settings.http_port)
        try:
            while not self._stopping.is_set:
                try:
                    await self._serve()
                except (StartFailed, TransientError) as error:
                    self._wait_for(error)
                    await self._stopping.pause(_PAUSE_SECONDS)
        finally:
            await self._web.stop()

    async def _serve(self) -> None:
        """One attempt, on engines of its own: what has begun to start and could not is of no use any more."""
        async with production_engines(self._settings, [self._name]) as engines:
            service, platform = compose_one(engines, self._name)
            await require_redis(platform.redis, platform.clock)
            site = ServiceSite(service, version=version("deskbus"), url=self._settings.origin)
            async with run_services([(service, platform)], http=[_Opening(self._entrance, site, self._web)]):
                spare_what_stays()
                log.info("service_ready", service=self._name)
                await self._stopping.wait()
                log.info("service_stopping", service=self._name)
                self._entrance.leave()
                await asyncio.sleep(self._settings.stop_delay_seconds)

    def _wait_for(self, error: StartFailed | TransientError) -> None:
        """Say what is missing, unless it will never come.

        Raises:
            StartFailed: waiting would not help.
        """
        cause = error.__cause__ if isinstance(error, StartFailed) else error
        if not isinstance(cause, TransientError):
            raise error
        reason, now = str(error), asyncio.get_running_loop().time()
        self._entrance.wait_for(reason)
        said, at = self._said
        if reason != said or now - at > _SAY_AGAIN_SECONDS:
            log.warning("service_waits", service=self._name, reason=reason)
            self._said = (reason, now)


class _Opening:
    """The service's HTTP as the lifecycle sees it: opened last, closed before anything that requests stand on."""

    def __init__(self, entrance: Entrance, site: ServiceSite, web: WebServer) -> None:
        self._entrance = entrance
        self._site = site
        self._web = web

    async def start(self) -> None:
        """Let requests in."""
        self._entrance.open(self._site)

    async def stop(self) -> None:
        """Take no more; those in flight end."""
        await self._web.stop()
