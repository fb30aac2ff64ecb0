"""`deskbus demo`: traffic against the system that runs on this home."""

from typing import Any

from rich.console import Console

from deskbus.demo.api import Api
from deskbus.demo.journey import Target, demonstrate
from deskbus.demo.rate import run_at_rate
from deskbus.demo.seed import Seeded, forget_keys, go_online, seed
from deskbus.home import Home
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings


class NotStartedError(DeskbusError):
    """No system has ever been started on this home."""


async def run_demo(console: Console, settings: PlatformSettings, *, rate: float | None, seconds: float) -> bool:
    """The story, or steady traffic when a rate is given; whether every message was accounted for."""
    home = Home(settings.home)
    if rate is None:
        await run_story(console, settings, home)
        return True
    target, owner = _target(settings, home)
    async with Api(target.base_url, owner["api_key"]) as api:
        seeded = await _prepared(api, target)
        try:
            return await run_at_rate(console, target, api, seeded, rate=rate, seconds=seconds)
        finally:
            await forget_keys(api, seeded)


async def run_story(console: Console, settings: PlatformSettings, home: Home) -> None:
    """The scripted customers and agents, the table, and where to look next."""
    target, owner = _target(settings, home)
    async with Api(target.base_url, owner["api_key"]) as api:
        seeded = await _prepared(api, target)
        await demonstrate(console, target, api, seeded)
        await forget_keys(api, seeded)
    console.print(
        f"Look next: {target.base_url}/docs (log in with the key in {home.owner_file}), "
        f"{target.base_url}/widget-demo (write as a visitor), {settings.home}/outbox (mail that left)\n"
        "or send more: deskbus demo --rate 50 --seconds 30",
        highlight=False,
        soft_wrap=True,
    )


async def _prepared(api: Api, target: Target) -> Seeded:
    seeded = await seed(api)
    await go_online(target.base_url, seeded)
    return seeded


def _target(settings: PlatformSettings, home: Home) -> tuple[Target, dict[str, Any]]:
    owner = home.owner()
    if owner is None:
        raise NotStartedError(f"nothing has been started on {home.path} yet; start it with `deskbus up`")
    target = Target(
        base_url=owner["base_url"],
        account_id=owner["account_id"],
        support_address=owner["support_address"],
        smtp_host=settings.http_host,
        smtp_port=settings.smtp_port,
    )
    return target, owner
