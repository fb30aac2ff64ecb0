"""People on real engines, without the rest of the tickets service."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from argon2 import PasswordHasher

from service_kit.http.api import create_api
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.people.account_workflow import CreatedAccount, NewAccount
from tickets.people_app import PeopleParts, build_people

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class PeopleBench:
    """Everything a test touches; `http` speaks for the owner of `account` unless another token is given."""

    http: httpx.AsyncClient
    parts: PeopleParts
    platform: Platform
    clock: ManualClock
    account: CreatedAccount

    async def create_account(self, **wanted: Any) -> CreatedAccount:
        """Another account."""
        given = {"name": "Other", "owner_name": "Olga", "email": "olga@other.example", "password": PASSWORD, **wanted}
        return await self.parts.accounts.create(NewAccount(**given))

    async def add_agent(self, **given: Any) -> dict[str, Any]:
        """Another agent of the account."""
        person = {"name": "Ann", "email": "ann@acme.example", "role": "support", "password": PASSWORD, **given}
        answer = await self.http.post("/v1/agents", json=person)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return dict(answer.json())

    async def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        """The answer to a sign-in."""
        return await self.http.post("/v1/sessions", json={"email": email, "password": password, **more})

    async def token(self, email: str, password: str = PASSWORD) -> str:
        """The token of a new session."""
        answer = await self.sign_in(email, password)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["token"])

    async def audited(self, count: int = 1, **query: Any) -> list[dict[str, Any]]:
        """Entries of the audit log, newest first, once there are `count`."""

        async def look() -> list[dict[str, Any]]:
            answer = await self.http.get("/v1/audit", params=query)
            assert answer.status_code == httpx.codes.OK, answer.text
            items = list(answer.json()["items"])
            return items if len(items) >= count else []

        return await eventually(look)

    async def ask(self, token: str, method: str, path: str, **request: Any) -> httpx.Response:
        """A request by somebody else."""
        return await self.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **request)


def people_service(platform: Platform, parts: PeopleParts) -> Service:
    """The people of tickets as a service of their own."""
    api = create_api(platform, service="tickets", title="People", routers=parts.routers)
    return Service(name="tickets", api=api, prefixes=parts.prefixes, prepare=parts.prepare)


@pytest_asyncio.fixture
async def people(
    make_platform: Callable[..., Platform], running: Callable[..., AbstractAsyncContextManager[None]]
) -> AsyncIterator[PeopleBench]:
    """One account with its owner, over HTTP."""
    clock = ManualClock(NOON)
    platform = make_platform("tickets", clock=clock)
    parts = build_people(platform, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    service = people_service(platform, parts)
    async with running(service):
        wanted = NewAccount(name="Acme", owner_name="Oscar", email="oscar@acme.example", password=PASSWORD)
        account = await parts.accounts.create(wanted)
        transport = httpx.ASGITransport(app=service.api)
        headers = {"Authorization": f"Bearer {account.api_key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://tickets", headers=headers) as http:
            yield PeopleBench(http, parts, platform, clock, account)
