"""Who may set the switch, what ends it, and what everybody sees (A3)."""

from datetime import timedelta
from typing import Any

from service_kit.auth import EVERY_SCOPE, Permission, Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.testing.eventually import eventually


async def _key(world: Any, token: str, agent_id: str | None, *scopes: str) -> dict[str, str]:
    """The header of an API key."""
    principal = Principal(
        account_id="acc",
        kind="service",
        agent_id=agent_id,
        role="support",
        scopes=frozenset(scopes),
        credential_id=f"key-{token}",
    )
    await Credentials(world.outside.redis, world.clock).put(hash_token(token), principal, expires_at=None)
    return {"authorization": f"Bearer {token}"}


async def _shown(world: Any, name: str) -> dict[str, Any]:
    answer = await world.made("GET", "/v1/availability", "acc")
    shown: dict[str, Any] = next(item for item in answer["items"] if item["agent_id"] == f"acc-{name}")
    return shown


async def _is_offline(world: Any, name: str) -> bool:
    return not (await _shown(world, name))["online"]


async def test_an_agent_sets_their_own_switch(world: Any) -> None:
    """Online and offline by one's own session; everybody sees it and subscribers are told."""
    await world.account("acc", "ann", "bob")

    await world.switch("acc", "ann")

    shown = await _shown(world, "ann")
    assert (shown["online"], shown["declared_by"]) == (True, "session")
    assert shown["since"].startswith("2026-11-20T12:00:00")
    assert await _shown(world, "bob") == {
        "agent_id": "acc-bob",
        "online": False,
        "observed": "gone",
        **dict.fromkeys(("since", "cause", "declared", "declared_at", "declared_by", "seen_at")),
    }
    await eventually(lambda: [(event.agent_id, event.online) for event in world.presence] == [("acc-ann", True)])


async def test_nobody_sets_it_for_another(world: Any) -> None:
    """Not even an owner; and a key that acts for nobody has no switch (A3)."""
    await world.account("acc", "ann")
    nobody = await _key(world, "key", None, EVERY_SCOPE)

    by_owner = await world.call("PUT", "/v1/agents/acc-ann/availability", "acc", "owner", json={"online": True})
    by_nobody = await world.http.put("/v1/agents/me/availability", json={"online": True}, headers=nobody)

    assert (by_owner.status_code, by_owner.json()["code"]) == (403, "only_for_oneself")
    assert (by_nobody.status_code, by_nobody.json()["code"]) == (403, "only_for_oneself")
    assert await _is_offline(world, "ann")


async def test_a_key_without_the_scope_is_refused(world: Any) -> None:
    """The permission is `availability:set`."""
    await world.account("acc", "ann")
    reader = await _key(world, "reader", "acc-ann", Permission.TICKETS_READ)

    answer = await world.http.put("/v1/agents/me/availability", json={"online": True}, headers=reader)

    assert answer.status_code == 403


async def test_the_body_is_one_strict_boolean(world: Any) -> None:
    """Nothing else is understood as a switch."""
    await world.account("acc", "ann")

    answers = [
        await world.call("PUT", "/v1/agents/me/availability", "acc", "ann", json=body)
        for body in ({}, {"online": "yes"}, {"online": True, "until": "noon"})
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


async def test_logging_out_makes_offline_within_a_second(world: Any) -> None:
    """The router hears of the last session's end by itself (A3)."""
    await world.account("acc", "ann")
    await world.switch("acc", "ann")
    credentials = Credentials(world.outside.redis, world.clock)

    await credentials.mark_logged_out("acc", "acc-ann", world.clock.now())
    await eventually(lambda: _is_offline(world, "ann"), seconds=2)

    await eventually(lambda: [event.cause for event in world.presence] == ["agent", "logout"])
    assert await eventually(lambda: _nothing_noted(credentials))


async def _nothing_noted(credentials: Credentials) -> bool:
    return not await credentials.take_logged_out()


async def test_a_lost_session_makes_offline_and_an_api_key_holds(world: Any) -> None:
    """Two minutes without a request end what a session declared, never what a key did (A3)."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "ann")
    key = await _key(world, "key", "acc-bob", Permission.AVAILABILITY_SET)
    await world.http.put("/v1/agents/me/availability", json={"online": True}, headers=key)

    world.clock.advance(timedelta(minutes=2, seconds=1))
    await eventually(lambda: _is_offline(world, "ann"), seconds=8)

    ended = await eventually(lambda: [event for event in world.presence if not event.online])
    assert [(event.agent_id, event.cause) for event in ended] == [("acc-ann", "lost_session")]
    assert (await _shown(world, "bob"))["declared_by"] == "api_key"
    assert (await _shown(world, "bob"))["online"]


async def test_the_switch_is_shown_only_while_round_robin_is_on(world: Any) -> None:
    """`switch` tells an inbox whether to show it; setting it stays possible (A3)."""
    await world.account("acc", "ann")
    before = await world.made("GET", "/v1/availability", "acc")

    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"round_robin": False})
    after = await world.made("GET", "/v1/availability", "acc")
    await world.switch("acc", "ann")

    assert (before["switch"], after["switch"]) == (True, False)
    assert (await _shown(world, "ann"))["online"]


async def test_declared_and_observed_are_told_apart(world: Any) -> None:
    """In the two minutes of grace an agent is away and online; then offline, though they never said so (A3)."""
    await world.account("acc", "ann")
    await world.switch("acc", "ann")
    here = await _shown(world, "ann")

    world.clock.advance(timedelta(seconds=60))
    away = await _shown(world, "ann")
    world.clock.advance(timedelta(seconds=61))
    await eventually(lambda: _is_offline(world, "ann"), seconds=8)
    lost = await _shown(world, "ann")

    assert [(one["online"], one["declared"], one["observed"], one["cause"]) for one in (here, away, lost)] == [
        (True, True, "here", "agent"),
        (True, True, "away", "agent"),
        (False, True, "gone", "lost_session"),
    ]
    assert here["declared_at"] == lost["declared_at"]
    assert here["seen_at"] == lost["seen_at"]


async def test_any_request_in_between_keeps_an_agent_online(world: Any) -> None:
    """Twice a minute and a half without a word, with one request between them, is no lost session (A3)."""
    await world.account("acc", "ann", "bob")
    await world.switch("acc", "ann")
    await world.switch("acc", "bob")
    world.clock.advance(timedelta(seconds=90))
    await world.call("GET", "/v1/queue", "acc", "ann")

    world.clock.advance(timedelta(seconds=90))
    await eventually(lambda: _is_offline(world, "bob"), seconds=8)

    assert (await _shown(world, "ann"))["online"]
