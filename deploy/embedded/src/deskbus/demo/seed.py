"""What the demonstration needs in an account; running it again changes nothing that is there."""

from dataclasses import dataclass
from typing import Any

from deskbus.demo.api import Api

DEMO_NUMBER = "+12025550199"
DEMO_AUTH_TOKEN = "demo-token-of-no-real-account"  # noqa: S105 - signs the demonstration's own webhooks only
_AGENTS = (("Ada Ray", "ada@demo.example"), ("Ben Okoro", "ben@demo.example"), ("Chloe Lim", "chloe@demo.example"))
_MACROS = (
    ("Greeting", "Hello {{ contact.first_name | default: 'there' }}, I am {{ agent.name }} and look into it now."),
    ("Refund on its way", "The refund of ticket {{ ticket.number }} is on its way; it takes three working days."),
)
_EVERY_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
_WEEKDAYS = {day: [["09:00", "12:30"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@dataclass(frozen=True, slots=True)
class DemoAgent:
    """An agent of the demonstration, with a key that acts for them."""

    id: str
    name: str
    key_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the traffic needs to know."""

    agents: tuple[DemoAgent, ...]
    number: str
    auth_token: str


async def seed(owner: Api) -> Seeded:
    """Three agents, two teams, office hours, macros, one SMS number and the chat's texts; all agents online."""
    agents = [await _agent(owner, name, email) for name, email in _AGENTS]
    await _named(owner, "/v1/teams", "Billing", member_ids=[agents[0].id, agents[1].id], tags=["billing"], rank=1)
    await _named(owner, "/v1/teams", "Care", member_ids=[agent.id for agent in agents], segments=["vip"], rank=2)
    always = await _named(owner, "/v1/schedules", "Round the clock", zone="Europe/Paris", weekly=_EVERY_DAY)
    hours = await _named(owner, "/v1/schedules", "Office hours", zone="Europe/Paris", weekly=_WEEKDAYS)
    for name, text in _MACROS:
        await _named(owner, "/v1/macros", name, text=text)
    await owner.patch("/v1/settings/assignment", {"schedule_id": always["id"]})
    await owner.patch(
        "/v1/settings/chat",
        {
            "schedule_id": hours["id"],
            "in_hours_text": "Hello! Somebody is with you in a moment.",
            "out_of_hours_text": "We are closed just now and answer on the next working day.",
        },
    )
    number = {"provider": "twilio", "account_sid": "AC" + "0" * 32, "auth_tokens": [DEMO_AUTH_TOKEN]}
    await owner.patch("/v1/settings/sms", {"numbers": {DEMO_NUMBER: number}})
    return Seeded(agents=tuple(agents), number=DEMO_NUMBER, auth_token=DEMO_AUTH_TOKEN)


async def forget_keys(owner: Api, seeded: Seeded) -> None:
    """Revoke the keys that acted for the demonstration's agents."""
    for agent in seeded.agents:
        await owner.delete(f"/v1/api-keys/{agent.key_id}")


async def go_online(base_url: str, seeded: Seeded) -> None:
    """Each agent switches itself on; nobody else may."""
    for agent in seeded.agents:
        async with Api(base_url, agent.key) as api:
            await api.put("/v1/agents/me/availability", {"online": True})


async def _agent(owner: Api, name: str, email: str) -> DemoAgent:
    listed = await _all(owner, "/v1/agents")
    found = next((agent for agent in listed if agent["email"] == email), None)
    if found is None:
        body = {"name": name, "email": email, "role": "support", "password": f"{email}-Demo-2026"}
        found = await owner.post("/v1/agents", body)
    key = await owner.post("/v1/api-keys", {"name": "demonstration", "scopes": ["*"], "agent_id": found["id"]})
    return DemoAgent(id=found["id"], name=name, key_id=key["id"], key=key["key"])


async def _named(owner: Api, path: str, name: str, **fields: Any) -> Any:
    found = next((item for item in await _all(owner, path) if item["name"] == name), None)
    return found or await owner.post(path, {"name": name, **fields})


async def _all(owner: Api, path: str) -> list[Any]:
    page = await owner.get(path, limit=200)
    items: list[Any] = page["items"]
    while page["next_cursor"]:
        page = await owner.get(path, limit=200, cursor=page["next_cursor"])
        items += page["items"]
    return items
