"""`deskbus account create`: another company on a running system."""

from contextlib import AsyncExitStack

from rich.console import Console

from deskbus.attached import attached_engines
from deskbus.home import Home
from deskbus.new_account import create_account
from service_kit.settings import PlatformSettings
from tickets.people_app import build_people


async def run_create_account(
    console: Console, settings: PlatformSettings, name: str, owner_email: str, support_address: str
) -> None:
    """Create the account beside the running system and print its owner as JSON."""
    home = Home(settings.home)
    async with attached_engines(settings, home) as engines, AsyncExitStack() as stack:
        platform = engines.platform_of("tickets")
        build_people(platform)  # declares its collections, before the store opens
        for engine in (platform.store, platform.bus):
            await engine.start()
            stack.push_async_callback(engine.stop)
        running = home.owner() or {}
        owner = await create_account(
            platform,
            base_url=running["base_url"],
            name=name,
            owner_email=owner_email,
            support_address=support_address,
        )
    console.print_json(data=owner.as_json())
