"""`deskbus account create`: another company on a running system."""

from contextlib import AsyncExitStack
from dataclasses import replace

from rich.console import Console

from deskbus.attached import attached_engines, attached_origin
from deskbus.new_account import create_account
from deskbus.unread_bus import unread
from service_kit.settings import PlatformSettings
from tickets.people_app import build_people


async def run_create_account(
    console: Console,
    settings: PlatformSettings,
    name: str,
    owner_email: str,
    support_address: str,
    *,
    api_url: str | None = None,
) -> None:
    """Create the account beside the running system and print its owner as JSON.

    `api_url` is where the system answers from here, where that is not the address under which the world sees it.
    """
    async with attached_engines(settings) as engines, AsyncExitStack() as stack:
        attached = engines.platform_of("tickets")
        platform = replace(attached, bus=unread(attached.bus))
        build_people(platform)  # declares its collections, before the store opens
        for engine in (platform.store, platform.bus):
            await engine.start()
            stack.push_async_callback(engine.stop)
        origin = attached_origin(settings)
        owner = await create_account(
            platform,
            base_url=(api_url or origin).rstrip("/"),
            name=name,
            owner_email=owner_email,
            support_address=support_address,
        )
    console.print_json(data=replace(owner, base_url=origin).as_json())
