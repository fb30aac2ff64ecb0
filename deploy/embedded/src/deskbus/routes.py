"""`deskbus routes`: the prefix table, for reading and for a reverse proxy."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from deskbus.composition import SERVICE_NAMES, compose
from deskbus.engines import Engines
from deskbus.local_disks import LocalDisks
from deskbus.public_routes import FALLBACK, INTERNAL_PATHS, Route, public_routes
from deskbus.redis_engine import open_redis
from service_kit.settings import PlatformSettings

_NOWHERE = "redis://localhost"
"""Services are composed to be asked for their prefixes, and nothing connects."""


async def known_routes() -> list[Route]:
    """The routes of all services."""
    settings = PlatformSettings().model_copy(
        update={"bus_url": "", "store_url": "", "blobs_url": "", "secret_key": SecretStr("-" * 16)}
    )
    redis = open_redis(_NOWHERE)
    try:
        registries = {name: CollectorRegistry() for name in SERVICE_NAMES}
        engines = Engines(settings, redis, _NOWHERE, LocalDisks([], 0), registries)
        return public_routes([service for service, _ in compose(engines)])
    finally:
        await redis.aclose()


async def run_routes(console: Console, *, caddy: bool) -> None:
    """Print the table, or a fragment of a Caddyfile made from it."""
    routes = await known_routes()
    if caddy:
        console.file.write(caddy_fragment(routes))
        return
    table = Table("prefix", "service")
    for route in routes:
        table.add_row(route.prefix, route.service)
    table.add_row("(everything else)", FALLBACK)
    console.print(table)


def caddy_fragment(routes: Sequence[Route]) -> str:
    """Directives for a site block. A service is reached under its own name; the port is the environment's."""
    lines = ["# Made by `deskbus routes --caddy`; import it into a site block.", "route {"]
    lines += [f"\t@internal path {' '.join(INTERNAL_PATHS)}", "\trespond @internal 404"]
    for number, route in enumerate(routes, start=1):
        lines += [f"\t@route{number} path_regexp {route.pattern}", f"\thandle @route{number} {{"]
        lines += [f"\t\t{_upstream(route.service)}", "\t}"]
    lines += ["\thandle {", f"\t\t{_upstream(FALLBACK)}", "\t}", "}", ""]
    return "\n".join(lines)


def _upstream(service: str) -> str:
    return f"reverse_proxy {service}:{{$DESKBUS_HTTP_PORT:8080}}"
