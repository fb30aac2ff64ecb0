"""`deskbus init`: what the services need on the engines, made before they start."""

import asyncio

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deskbus.composition import SERVICE_NAMES, compose
from deskbus.masked_urls import masked
from deskbus.production import production_engines
from service_kit.errors import TransientError
from service_kit.platform import Platform
from service_kit.settings import PlatformSettings

_PAUSE_SECONDS = 1.0
_READY_SECONDS = 1.0
"""Of one attempt; there are as many as fit into the time to wait."""


async def run_init(console: Console, errors: Console, settings: PlatformSettings, *, wait_seconds: float) -> None:
    """Provision every service's store and bus; doing it again changes nothing.

    Raises:
        DeskbusError: an engine is away for longer than `wait_seconds`, or refuses us.
    """
    table = Table("service", "store", "bus")
    async with production_engines(settings, SERVICE_NAMES, ready_seconds=_READY_SECONDS) as engines:
        for service, platform in compose(engines):
            took = await _provision(errors, platform, wait_seconds)
            table.add_row(service.name, *(f"in place ({seconds:.1f} s)" for seconds in took))
    console.print(table)
    console.print(
        f"store {masked(settings.store_url)} · bus {masked(settings.bus_url)}\n"
        "Now start the services with `deskbus run SERVICE`; the first account is made by `deskbus account create`.",
        highlight=False,
        soft_wrap=True,
    )


async def _provision(errors: Console, platform: Platform, wait_seconds: float) -> tuple[float, float]:
    """One service's store and bus, as soon as the engines are there; how many seconds each took."""
    clock, deadline = asyncio.get_running_loop().time, None
    try:
        while True:
            began = clock()
            try:
                await platform.store.provision()
                stored = clock()
                await platform.bus.provision()
                return stored - began, clock() - stored
            except TransientError as error:
                deadline = deadline or clock() + wait_seconds
                if clock() >= deadline:
                    raise
                errors.print(f"[yellow]waiting:[/yellow] {escape(str(error))}")
                await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        await platform.bus.stop()
        await platform.store.stop()
