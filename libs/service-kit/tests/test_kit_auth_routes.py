from collections.abc import AsyncIterator, MutableMapping
from dataclasses import replace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, WebSocket
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service_kit.auth import Authenticated, Permission, Principal, requires
from service_kit.auth.credentials import Credentials
from service_kit.http import create_api
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from service_kit.testing.callers import api_key, http_client, sign_in
from service_kit.testing.platforms import PlatformFactory


def build(platform: Platform) -> FastAPI:
    """An application with a route for everybody known and one for those who manage teams."""
    router = Routes()

    @router.get("/me")
    async def me(caller: Authenticated) -> str | None:
        return caller.agent_id

    @router.get("/teams")
    async def teams(caller: Annotated[Principal, Depends(requires(Permission.TEAMS_MANAGE))]) -> str:
        return caller.account_id

    @router.websocket("/live")
    async def live(socket: WebSocket, caller: Authenticated) -> None:
        await socket.accept()

    return create_api(platform, service="tickets", title="Tests", routers=[router])


@pytest.fixture
def platform(make_platform: PlatformFactory) -> Platform:
    """The platform of the application."""
    return make_platform("tickets")


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with http_client(build(platform)) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer made-up"},
        {"Authorization": "Basic dTpw"},
        {"Authorization": "Bearer \xff\xfe"},
    ],
    ids=repr,
)
async def test_strangers_are_turned_away(http: httpx.AsyncClient, headers: dict[str, str]):
    """Without a valid token every route is a 401 that names the scheme."""
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await http.get("/me", headers=raw)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_role_without_the_permission_is_forbidden(http: httpx.AsyncClient, platform: Platform):
    """Support may not manage teams (403); a manager may (S1)."""
    support = await http.get("/teams", headers=await sign_in(platform, role="support"))
    manager = await http.get("/teams", headers=await sign_in(platform, role="manager", account_id="acc_7"))

    assert (support.status_code, support.json()["code"]) == (403, "forbidden")
    assert support.json()["permission"] == "teams:manage"
    assert (manager.status_code, manager.json()) == (200, "acc_7")


async def test_a_key_needs_the_scope(http: httpx.AsyncClient, platform: Platform):
    """A key is let in where its scopes say so, and only there (S2)."""
    with_scope = await http.get("/teams", headers=await api_key(platform, scopes=["teams:manage"]))
    without = await http.get("/teams", headers=await api_key(platform, scopes=["tickets:read"]))

    assert (with_scope.status_code, without.status_code) == (200, 403)


async def test_a_request_of_a_session_is_noticed(http: httpx.AsyncClient, platform: Platform):
    """Every authenticated request of a session tells when its agent was last here (A3)."""
    headers = await sign_in(platform, agent_id="agt_3")
    credentials = Credentials(platform.redis, platform.clock)
    before = await credentials.last_seen("acc_1", "agt_3")
    await http.get("/me", headers=headers)

    assert before is None
    assert await credentials.last_seen("acc_1", "agt_3") is not None


async def test_without_redis_the_answer_is_503(platform: Platform):
    """When sessions cannot be looked up nobody is let in, and nobody is told that the token is wrong."""
    down = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    async with down, http_client(build(replace(platform, redis=down))) as http:
        answer = await http.get("/me", headers={"Authorization": "Bearer token"})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_scheme_is_documented(http: httpx.AsyncClient):
    """The OpenAPI document names the bearer scheme on the routes that ask for it."""
    document = (await http.get("/openapi.json")).json()

    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert document["paths"]["/teams"]["get"]["security"] == [{"HTTPBearer": []}]


async def test_websockets_are_judged_alike(platform: Platform):
    """A websocket route may ask for a caller too; a stranger is turned away before the handshake."""
    scope = {
        "type": "websocket",
        "path": "/live",
        "raw_path": b"/live",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "scheme": "ws",
        "client": None,
        "server": None,
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await build(platform)(scope, receive, send)

    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 401
