"""The way out for webhooks: can the servers be reached that accounts have named? Nothing is sent to them."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from contracts.settings import NotificationSettings
from deskbus.doctor.finding import Finding
from deskbus.engines import Engines
from notifier.webhook_store import WebhookStore
from service_kit.errors import DeskbusError
from service_kit.peer_addresses import is_allowed
from service_kit.platform import Platform
from service_kit.settings_area import SettingsArea
from service_kit.ssrf import PeerUnavailable, Resolver

Place = tuple[str, int]

_CONNECT_SECONDS = 5.0
_MOST_ACCOUNTS = 200
_MOST_PLACES = 50
_SEVERAL = 3
_PORTS = {"http": 80, "https": 443}


async def look_at_webhooks(engines: Engines) -> list[Finding]:
    """Connect to each host that webhooks go to, as far as these are few; it is one finding, or one for each in need."""
    platform = engines.platform_of("notifier")
    try:
        places = await _places(platform)
    except DeskbusError as error:
        return [Finding("webhooks", "warning", f"webhooks cannot be read: {error}", "mend the store first")]
    allow_private = engines.settings.allow_private_urls
    reached = await asyncio.gather(*(_reaches(*place, allow_private=allow_private) for place in places))
    return webhook_findings(dict(zip(places, reached, strict=True)))


def webhook_findings(reached: dict[Place, bool]) -> list[Finding]:
    """What it means whom we reach: some that are away are their owners' trouble, all of several hosts are ours."""
    if not reached:
        return [Finding("webhooks", "ok", "no webhook is active")]
    if not any(reached.values()) and len({host for host, _ in reached}) >= _SEVERAL:
        says = f"none of the {len(reached)} servers can be reached that webhooks go to"
        return [Finding("webhooks", "failed", says, "let this machine out: name server, firewall, network policy")]
    away = [
        Finding("webhooks", "warning", f"{host}:{port} cannot be reached", "ask whose webhook it is; it is tried again")
        for (host, port), is_there in reached.items()
        if not is_there
    ]
    return away or [Finding("webhooks", "ok", f"all {len(reached)} servers can be reached that webhooks go to")]


async def _places(platform: Platform) -> list[Place]:
    """Where active webhooks go, each place once. Paths stay unread: some carry a password."""
    stored, accounts = WebhookStore(platform.store), SettingsArea(platform, "notifications", NotificationSettings)
    await platform.store.start()
    try:
        ids = sorted(await accounts.all())[:_MOST_ACCOUNTS]
        hooks = [hook for one in ids for hook in await stored.of_account(one) if hook.active]
    finally:
        await platform.store.stop()
        await platform.bus.stop()
    return list(dict.fromkeys(_place(hook.url) for hook in hooks))[:_MOST_PLACES]


def _place(url: str) -> Place:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


async def _reaches(host: str, port: int, *, allow_private: bool) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await _connects(await Resolver()(host, port), port, allow_private=allow_private)
    except (PeerUnavailable, TimeoutError):
        return False


async def _connects(addresses: Iterable[str], port: int, *, allow_private: bool) -> bool:
    """Whether one of the addresses takes a connection; those that must not be called are not called here either."""
    for address in addresses:
        if is_allowed(address, allow_private=allow_private):
            with suppress(OSError):  # the next address may answer
                _, writer = await asyncio.open_connection(address, port)
                writer.close()
                return True
    return False
