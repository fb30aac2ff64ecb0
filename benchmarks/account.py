"""An account as its services would have made it, with agents online, ready before anything is measured."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

import router.app
import tickets.app
import tickets.people_app
from benchmarks.child import Assignment, engines_on, platform_on
from benchmarks.engine_sets import Fresh
from benchmarks.workload import SUPPORT_ADDRESS, SUPPORT_NUMBER, messages
from contracts.ids import derive_id
from contracts.settings import (
    Area,
    ChatSettings,
    EmailSettings,
    SettingsChanged,
    SettingsShape,
    SmsNumber,
    SmsSettings,
    SupportAddress,
)
from deskbus.composition import compose
from service_kit.bus import Bus
from service_kit.lifecycle import run_services
from service_kit.testing.eventually import eventually
from tickets.people.account_workflow import NewAccount

AGENTS = 5
_KNOWN_WITHIN_SECONDS = 30.0
_PUBLISHED_AT_ONCE = 500


async def prepare(fresh: Fresh, count: int, *, with_account: bool, seed: int) -> None:
    """Fill the topic with `count` messages; before that, unless a floor does without, make the account."""
    await _provision(fresh)
    async with (
        platform_on(_assignment(fresh, "tickets")) as for_tickets,
        platform_on(_assignment(fresh, "router")) as for_router,
    ):
        services = [
            (tickets.app.create_service(for_tickets), for_tickets),
            (router.app.create_service(for_router), for_router),
        ]
        account_id = "acc_bench"
        if with_account:
            async with run_services(services):
                wanted = NewAccount(
                    name="Bench",
                    owner_name="Owner",
                    email="owner@bench.example",
                    password="a long password for nothing",  # noqa: S106 - it guards nothing
                    account_id=account_id,
                )
                key = (await tickets.people_app.create_account(for_tickets, wanted)).api_key
                await _publish_gateway_settings(for_tickets.bus, account_id)
                await _agents_online(services[0][0].api, services[1][0].api, key)
    async with platform_on(_assignment(fresh, "tickets")) as platform:
        await platform.bus.start()
        await _fill(platform.bus, account_id, count, seed)
        await platform.bus.stop()


async def _provision(fresh: Fresh) -> None:
    """What `deskbus init` does: every service's topics and collections, for each checks all that it is told of."""
    async with engines_on(_assignment(fresh, "tickets")) as engines:
        for _, platform in compose(engines):
            await platform.store.provision()
            await platform.bus.provision()
            await platform.bus.stop()
            await platform.store.stop()


def _assignment(fresh: Fresh, service: Any) -> Assignment:
    return Assignment(
        service=service,
        mode="pipeline",
        home=fresh.home,
        bus_url=fresh.bus_url,
        store_url=fresh.store_url,
        redis_url=fresh.redis_url,
        script=fresh.home / "none",
    )


async def _fill(bus: Bus, account_id: str, count: int, seed: int) -> None:
    waiting = list(messages(account_id, count, seed=seed, now=datetime.now(UTC)))
    for start in range(0, count, _PUBLISHED_AT_ONCE):
        await bus.publish(waiting[start : start + _PUBLISHED_AT_ONCE])


async def _publish_gateway_settings(bus: Bus, account_id: str) -> None:
    """What the three gateways publish of a new account."""
    areas: dict[Area, SettingsShape] = {
        "email": EmailSettings(addresses={SUPPORT_ADDRESS: SupportAddress(from_name="Bench")}),
        "sms": SmsSettings(numbers={SUPPORT_NUMBER: SmsNumber()}),
        "chat": ChatSettings(support_address=SUPPORT_ADDRESS),
    }
    await bus.publish(
        [
            SettingsChanged(
                id=derive_id("set", account_id, area),
                account_id=account_id,
                time=datetime.now(UTC),
                area=area,
                version=1,
                value=settings.model_dump(mode="json"),
            )
            for area, settings in areas.items()
        ]
    )


async def _agents_online(tickets_api: FastAPI, router_api: FastAPI, key: str) -> None:
    async with _client(tickets_api, key) as owner:
        for number in range(AGENTS):
            person = {"name": f"Agent {number}", "email": f"agent{number}@bench.example", "role": "support"}
            agent = await _sent(owner, "POST", "/v1/agents", person | {"password": "another long password, agent"})
            wanted = {"name": "bench", "scopes": ["*"], "agent_id": agent["id"]}
            own = await _sent(owner, "POST", "/v1/api-keys", wanted)
            async with _client(router_api, own["key"]) as switch:
                await eventually(partial(_goes_online, switch), seconds=_KNOWN_WITHIN_SECONDS)


async def _goes_online(switch: httpx.AsyncClient) -> bool:
    """False while the router has not heard of the agent."""
    return (await switch.put("/v1/agents/me/availability", json={"online": True})).is_success


def _client(api: FastAPI, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://bench", headers={"Authorization": f"Bearer {key}"}
    )


async def _sent(client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]) -> Any:
    answer = await client.request(method, path, json=body)
    answer.raise_for_status()
    return answer.json()
