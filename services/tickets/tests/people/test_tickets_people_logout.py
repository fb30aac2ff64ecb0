from collections.abc import Callable
from datetime import timedelta
from typing import Any

from service_kit.auth import Authenticated
from service_kit.auth.credentials import Credentials
from service_kit.http.api import create_api
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from service_kit.testing.callers import http_client

OSCAR = "oscar@acme.example"
ANN = "ann@acme.example"


async def answers_elsewhere(make_platform: Callable[..., Platform], people: Any, tokens: list[str]) -> list[int]:
    """What another service says to these tokens: it shares nothing with tickets but Redis."""
    router = Routes()

    @router.get("/me")
    async def me(caller: Authenticated) -> str:
        return caller.credential_id

    platform = make_platform("router", clock=people.clock)
    async with http_client(create_api(platform, service="router", title="Elsewhere", routers=[router])) as http:
        return [(await http.get("/me", headers={"Authorization": f"Bearer {one}"})).status_code for one in tokens]


async def test_one_sees_where_one_is_signed_in(people: Any) -> None:
    """One's own sessions, newest first, each with its device and last use; nobody else's, and none that ended (S2)."""
    await people.add_agent()
    strange = await people.token(ANN)
    ended = await people.token(OSCAR)
    await people.ask(ended, "DELETE", "/v1/sessions/current")
    people.clock.advance(timedelta(minutes=1))
    body = {"email": OSCAR, "password": "correct horse battery"}
    phone = (await people.http.post("/v1/sessions", json=body, headers={"User-Agent": "Phone " * 100})).json()["token"]
    people.clock.advance(timedelta(minutes=1))
    desk = (await people.http.post("/v1/sessions", json=body, headers={"User-Agent": "Desk"})).json()["token"]
    listed = (await people.ask(desk, "GET", "/v1/sessions")).json()["items"]
    page = (await people.ask(desk, "GET", "/v1/sessions?limit=1")).json()
    rest = (await people.ask(desk, "GET", f"/v1/sessions?cursor={page['next_cursor']}")).json()["items"]
    anns = (await people.ask(strange, "GET", "/v1/sessions")).json()["items"]

    assert [(one["device"][:5], len(one["device"]), one["current"]) for one in listed] == [
        ("Desk", 4, True),
        ("Phone", 200, False),
    ]
    assert (listed[0]["last_seen_at"], listed[1]["last_seen_at"]) == ("2026-11-21T12:02:00Z", None)
    assert [*page["items"], *rest] == listed
    assert len(anns) == 1
    assert phone not in str(listed)


async def test_logging_out_everywhere_ends_every_session_in_every_service(people: Any, make_platform: Any) -> None:
    """One request, and from the next on no session of mine opens any service; others' and keys go on (S2)."""
    ann = await people.add_agent()
    mine, other = [await people.token(ANN) for _ in range(3)], await people.token(OSCAR)
    made = await people.http.post("/v1/api-keys", json={"name": "k", "scopes": ["*"], "agent_id": ann["id"]})
    key = made.json()["key"]
    before = await answers_elsewhere(make_platform, people, [*mine, other, key])
    answer = await people.ask(mine[1], "DELETE", "/v1/sessions")
    after = await answers_elsewhere(make_platform, people, [*mine, other, key])

    assert (answer.status_code, before) == (204, [200] * 5)
    assert after == [401, 401, 401, 200, 200]
    assert await Credentials(people.platform.redis).take_logged_out() == [
        (people.account.account_id, ann["id"], people.clock.now())
    ]
    assert (await people.sign_in(ANN)).status_code == 201


async def test_admins_sign_others_out(people: Any, make_platform: Any) -> None:
    """An admin ends all sessions of another, but not of somebody above them; an account's limits hold (S1, S2)."""
    ann = await people.add_agent()
    await people.add_agent(name="Ada", email="ada@acme.example", role="admin")
    admin, lost, owner = await people.token("ada@acme.example"), await people.token(ANN), await people.token(OSCAR)
    stranger = await people.create_account()
    foreign = await people.ask(stranger.api_key, "DELETE", f"/v1/agents/{ann['id']}/sessions")
    by_support = await people.ask(lost, "DELETE", f"/v1/agents/{people.account.agent_id}/sessions")
    above = await people.ask(admin, "DELETE", f"/v1/agents/{people.account.agent_id}/sessions")
    below = await people.ask(admin, "DELETE", f"/v1/agents/{ann['id']}/sessions")

    assert (foreign.status_code, by_support.json()["code"], above.json()["code"]) == (404, "forbidden", "role_too_high")
    assert below.status_code == 204
    assert await answers_elsewhere(make_platform, people, [lost, owner, admin]) == [401, 200, 200]


async def test_an_api_key_has_no_sessions(people: Any) -> None:
    """A key neither sees nor ends its agent's sessions at `/v1/sessions`."""
    answers = [await people.http.request(method, "/v1/sessions") for method in ("GET", "DELETE")]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "session_needed")] * 2


async def test_a_rebuild_brings_no_session_back(people: Any) -> None:
    """Whatever Redis is told anew, who was signed out everywhere stays out (S2)."""
    token = await people.token(OSCAR)
    await people.ask(token, "DELETE", "/v1/sessions")
    rebuild = next(worker for worker in people.parts.workers if worker.name == "tickets.credentials")
    await rebuild._run()

    assert await Credentials(people.platform.redis, people.clock).find(token) is None
