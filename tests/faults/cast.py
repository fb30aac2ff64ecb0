"""Who takes part: the account's agents, its number, its chat and its webhook, made through the public API."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

from faults.desk_client import DeskClient
from faults.site import Site
from faults.world import ACCOUNT_SID, AUTH_TOKEN, World

NUMBER = "+12025550199"
GREETING = "Hello! Somebody is with you in a moment."
_ONLINE = ("Ada", "Ben", "Chloe")
_OFFLINE = "Dora"
_SWITCHING = "Eve"
_PHONES = 30
_EVERY_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@dataclass(frozen=True, slots=True)
class Player:
    """An agent, and the key that acts for them."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody and everything that traffic needs to know.

    `offline` may never be given a ticket, and `switching` comes and goes. `phones` may be answered by SMS.
    """

    account_id: str
    support_address: str
    owner_key: str
    number: str
    phones: tuple[str, ...]
    online: tuple[Player, ...]
    offline: Player
    switching: Player
    schedule_id: str
    team_id: str


async def gather_cast(site: Site, world: World) -> Cast:
    """Make the cast in a system that has just been set up."""
    owner, luck = site.owner, Random(0)  # noqa: S311 - pauses only
    async with DeskClient(site.base_url, owner["api_key"], luck, give_up_after_seconds=60) as desk:
        *online, offline, switching = await asyncio.gather(
            *(hire(desk, name) for name in (*_ONLINE, _OFFLINE, _SWITCHING))
        )
        always = await desk.change(
            "POST", "/v1/schedules", {"name": "Always", "zone": "Europe/Paris", "weekly": _EVERY_DAY}
        )
        team = await desk.change("POST", "/v1/teams", {"name": "Care", "tags": ["care"]})
        await desk.change("PATCH", "/v1/settings/chat", {"schedule_id": always["id"], "in_hours_text": GREETING})
        number = {"provider": "twilio", "account_sid": ACCOUNT_SID, "auth_tokens": [AUTH_TOKEN]}
        sms = {"numbers": {NUMBER: number}, "api_base_url": world.http_url}
        await desk.change("PATCH", "/v1/settings/sms", sms)
        phones = tuple(f"+1202555{1000 + place}" for place in range(_PHONES))
        await desk.change("POST", "/v1/events", [_agrees_to_sms(phone) for phone in phones])
        hook = {"url": world.hook_url, "events": ["support.ticket.message_added.*"]}
        await desk.change("POST", "/v1/webhooks", hook)
    await asyncio.gather(*(set_switch(site, player, online=True) for player in online))
    return Cast(
        account_id=owner["account_id"],
        support_address=owner["support_address"],
        owner_key=owner["api_key"],
        number=NUMBER,
        phones=phones,
        online=tuple(online),
        offline=offline,
        switching=switching,
        schedule_id=always["id"],
        team_id=team["id"],
    )


async def hire(desk: DeskClient, name: str) -> Player:
    """One more agent, offline, and a key of theirs."""
    email = f"{name.lower()}@desk.example"
    body: dict[str, Any] = {"name": name, "email": email, "role": "support", "password": f"{email}-Faults-2026"}
    agent = await desk.change("POST", "/v1/agents", body)
    key = await desk.change("POST", "/v1/api-keys", {"name": "faults", "scopes": ["*"], "agent_id": agent["id"]})
    return Player(agent["id"], name, key["key"])


async def set_switch(site: Site, player: Player, *, online: bool) -> None:
    """An agent sets their own switch."""
    async with DeskClient(site.base_url, player.key, Random(0)) as desk:  # noqa: S311 - pauses only
        await desk.change("PUT", "/v1/agents/me/availability", {"online": online})


def _agrees_to_sms(phone: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "support.contact.updated.v1",
        "source": "/faults",
        "id": phone,
        "data": {"contact": {"phone": phone}, "consent": {"sms": {"transactional": True}}},
    }
