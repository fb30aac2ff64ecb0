from typing import Any

import pytest

from service_kit.auth import ROLE_PERMISSIONS, Permission
from tickets.access.api_key_store import ApiKeyStore
from tickets.access.api_keys import refused_scopes

PASSWORD = "correct horse battery"


async def make_key(people: Any, **given: Any) -> dict[str, Any]:
    """A new key of the owner's account."""
    answer = await people.http.post("/v1/api-keys", json={"name": "crm", "scopes": ["tickets:read"], **given})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_key_is_shown_once_and_stored_hashed(people: Any) -> None:
    """Afterwards nobody can read it, neither over HTTP nor in the store (S2)."""
    made = await make_key(people)
    listed = (await people.http.get("/v1/api-keys")).json()["items"]
    stored = await ApiKeyStore(people.platform.store).find(made["id"])

    assert made["key"].startswith("dbk_")
    assert made["id"] in {key["id"] for key in listed}
    assert all("key" not in key for key in listed)
    assert stored is not None
    assert made["key"] not in stored.model_dump_json()


async def test_a_key_may_what_its_scopes_say(people: Any) -> None:
    """A scope is a permission; everything else is refused."""
    made = await make_key(people, scopes=["tickets:read"])
    may = await people.ask(made["key"], "GET", "/v1/agents")
    may_not = await people.ask(made["key"], "GET", "/v1/api-keys")

    assert (may.status_code, may_not.status_code) == (200, 403)


async def test_a_revoked_key_is_worthless_at_once(people: Any) -> None:
    """The next request is refused, and revoking again changes nothing (S2)."""
    made = await make_key(people)
    before = await people.ask(made["key"], "GET", "/v1/agents")
    revoked = [await people.http.delete(f"/v1/api-keys/{made['id']}") for _ in range(2)]
    after = await people.ask(made["key"], "GET", "/v1/agents")
    listed = (await people.http.get("/v1/api-keys")).json()["items"]

    assert [answer.status_code for answer in revoked] == [204, 204]
    assert (before.status_code, after.status_code) == (200, 401)
    assert made["id"] not in {key["id"] for key in listed}


async def test_a_key_acts_for_its_agent_within_the_role_of_now(people: Any) -> None:
    """Demoting an agent narrows the keys that act for it."""
    agent = await people.add_agent(role="admin")
    made = await make_key(people, scopes=["*"], agent_id=agent["id"])
    me = await people.ask(made["key"], "GET", "/v1/agents/me")
    before = await people.ask(made["key"], "GET", "/v1/api-keys")
    await people.http.patch(f"/v1/agents/{agent['id']}", json={"role": "support"})
    after = await people.ask(made["key"], "GET", "/v1/api-keys")

    assert me.json()["id"] == agent["id"]
    assert (before.status_code, after.status_code) == (200, 403)


async def test_a_narrow_key_cannot_make_a_wider_one(people: Any) -> None:
    """What the scopes of who asks do not hold cannot be granted, whatever the role behind it."""
    narrow = await make_key(people, scopes=["keys:manage", "tickets:read"])
    wider = await people.ask(narrow["key"], "POST", "/v1/api-keys", json={"name": "w", "scopes": ["tickets:write"]})
    everything = await people.ask(narrow["key"], "POST", "/v1/api-keys", json={"name": "w", "scopes": ["*"]})
    equal = await people.ask(narrow["key"], "POST", "/v1/api-keys", json={"name": "e", "scopes": ["tickets:read"]})

    assert (wider.status_code, wider.json()["code"]) == (403, "scope_too_wide")
    assert wider.json()["refused"] == ["tickets:write"]
    assert everything.json()["code"] == "scope_too_wide"
    assert equal.status_code == 201


async def test_an_admin_cannot_make_a_key_for_an_owner(people: Any) -> None:
    """Otherwise the key could do what the admin may not (S1)."""
    await people.add_agent(role="admin")
    token = await people.token("ann@acme.example")
    key = {"name": "k", "scopes": ["tickets:read"], "agent_id": people.account.agent_id}
    answer = await people.ask(token, "POST", "/v1/api-keys", json=key)

    assert (answer.status_code, answer.json()["code"]) == (403, "role_too_high")


async def test_keys_and_agents_of_another_account_are_not_found(people: Any) -> None:
    """Neither can be used or revoked from here."""
    other = await people.create_account()
    foreign = (await people.ask(other.api_key, "GET", "/v1/api-keys")).json()["items"][0]
    revoked = await people.http.delete(f"/v1/api-keys/{foreign['id']}")
    made = await people.http.post("/v1/api-keys", json={"name": "k", "scopes": ["*"], "agent_id": other.agent_id})

    assert (revoked.status_code, made.status_code) == (404, 404)
    assert (await people.ask(other.api_key, "GET", "/v1/agents")).status_code == 200


@pytest.mark.parametrize("scopes", [[], ["everything"], ["tickets:read"] * 51], ids=["none", "unknown", "too many"])
async def test_scopes_are_checked(people: Any, scopes: list[str]) -> None:
    """A scope is a permission or `*`."""
    answer = await people.http.post("/v1/api-keys", json={"name": "k", "scopes": scopes})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_everything_of_a_role_is_granted_only_by_who_may_it_all() -> None:
    """`*` stands for the permissions of the role that limits the key."""
    of_manager = ROLE_PERMISSIONS["manager"]

    assert refused_scopes(["*"], "support", of_manager.__contains__) == []
    assert refused_scopes(["*"], "owner", of_manager.__contains__) == sorted(
        permission.value for permission in Permission if permission not in of_manager
    )
