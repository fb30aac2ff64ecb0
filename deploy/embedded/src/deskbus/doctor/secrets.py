"""Whether the key at hand is the one that the stored secrets were encrypted with."""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel

from contracts.settings import AREA_OWNERS, Area, ChatSettings, EmailSettings, SmsSettings
from deskbus.doctor.finding import Finding
from deskbus.engines import Engines
from service_kit.errors import DeskbusError
from service_kit.secret_box import SecretUnreadable
from service_kit.settings_area import SettingsArea

_WITH_SECRETS: Sequence[tuple[Area, type[BaseModel]]] = (
    ("email", EmailSettings),
    ("sms", SmsSettings),
    ("chat", ChatSettings),
)


async def look_at_secrets(engines: Engines) -> list[Finding]:
    """Open every stored setting that holds secrets; what they are is not kept."""
    return list(await asyncio.gather(*(_look(engines, area, shape) for area, shape in _WITH_SECRETS)))


async def _look(engines: Engines, area: Area, shape: type[BaseModel]) -> Finding:
    platform = engines.platform_of(AREA_OWNERS[area])
    stored = SettingsArea(platform, area, shape)
    try:
        await platform.store.start()
        try:
            accounts = await stored.all()
        finally:
            await platform.store.stop()
            await platform.bus.stop()
    except SecretUnreadable:
        return Finding(
            "secret key",
            "failed",
            f"DESKBUS_SECRET_KEY does not open the stored settings `{area}`",
            "give the key they were encrypted with; a new one comes first, the old one after a comma",
        )
    except DeskbusError as error:
        return Finding("secret key", "warning", f"settings `{area}` cannot be read: {error}", "mend the store first")
    return Finding("secret key", "ok", f"the key opens the settings `{area}` of {len(accounts)} accounts")
