"""Callers for tests of routes: a real credential in the real Redis, and the header that presents it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import httpx
from fastapi import FastAPI

from contracts.ids import new_id
from contracts.people import Role
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.auth.permissions import EVERY_SCOPE
from service_kit.auth.principal import Principal
from service_kit.platform import Platform


def http_client(app: FastAPI, **options: Any) -> httpx.AsyncClient:
    """A client that talks to `app` in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://deskbus.test", **options)


async def sign_in(
    platform: Platform, *, account_id: str = "acc_1", agent_id: str = "agt_1", role: Role = "admin"
) -> dict[str, str]:
    """The headers of a session of this agent."""
    return await _present(platform, Principal(account_id, "agent", agent_id, role, frozenset({EVERY_SCOPE}), ""))


async def api_key(
    platform: Platform,
    *,
    scopes: Iterable[str] = (EVERY_SCOPE,),
    account_id: str = "acc_1",
    agent_id: str | None = None,
    role: Role | None = None,
) -> dict[str, str]:
    """The headers of an API key with these scopes."""
    return await _present(platform, Principal(account_id, "service", agent_id, role, frozenset(scopes), ""))


async def _present(platform: Platform, principal: Principal) -> dict[str, str]:
    token, credential_id = new_id("tok"), new_id("cred")
    named = replace(principal, credential_id=credential_id)
    await Credentials(platform.redis, platform.clock).put(hash_token(token), named, expires_at=None)
    return {"Authorization": f"Bearer {token}"}
