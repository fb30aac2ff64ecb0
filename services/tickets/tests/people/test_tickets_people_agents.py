import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.directories import AgentDirectory
from contracts.people import Role
from service_kit.auth.credentials import Credentials
from service_kit.bus import BusUnavailable
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.eventually import eventually
from tickets.people.agent_directory import AgentDirectoryPublisher
from tickets.people.agent_store import AgentStore
from tickets.people.agents import NewPerson, hired, outranks_or_equals

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


async def directory(people: Any) -> AgentDirectory:
    """The agents as they are published."""
    return await SettingsArea(people.platform, "agents", AgentDirectory).get(people.account.account_id)


async def test_an_added_agent_can_sign_in_and_is_in_the_directory(people: Any) -> None:
    """The answer comes when every service is being told of the new agent."""
    agent = await people.add_agent(email=" Ann@Acme.example")

    assert agent["email"] == "ann@acme.example"
    assert (await people.sign_in("ann@acme.example")).status_code == 201
    assert (await directory(people)).agents[agent["id"]].model_dump() == {
        "id": agent["id"],
        "name": "Ann",
        "email": "ann@acme.example",
        "role": "support",
        "active": True,
    }


async def test_agents_added_at_once_are_all_in_the_directory(people: Any) -> None:
    """Publishers that run side by side cannot leave an older list behind."""
    agents = await asyncio.gather(*(people.add_agent(email=f"agent{n}@acme.example") for n in range(5)))

    assert {agent["id"] for agent in agents} < set((await directory(people)).agents)


async def test_a_directory_that_the_bus_did_not_take_follows_later(people: Any, make_platform: Any) -> None:
    """The agent is stored, so the answer is success; the other services hear of it when the bus is back."""
    replica, reader = make_platform("tickets", clock=people.clock), make_platform("router")
    agents = AgentStore(replica.store)
    publisher = AgentDirectoryPublisher(agents, SettingsArea(replica, "agents", AgentDirectory))
    copies = SettingsCopies(reader, "router", areas=("agents",))
    parts = (replica.store, reader.store, reader.bus)
    for part in parts:
        await part.start()
    person = NewPerson("Ann", "ann@acme.example", "support", "x")
    await agents.insert(hired("agt_new", people.account.account_id, person, NOON))

    async def is_heard_of() -> bool:
        return "agt_new" in (await copies.get(people.account.account_id, "agents", AgentDirectory, fresh=True)).agents

    await publisher.publish_soon(people.account.account_id)
    with pytest.raises(BusUnavailable):
        await publisher.catch_up()
    before = await is_heard_of()
    await replica.bus.start()
    await publisher.catch_up()
    await eventually(is_heard_of)
    for part in (replica.bus, *reversed(parts)):
        await part.stop()

    assert not before


async def test_an_address_serves_one_agent_over_all_accounts(people: Any) -> None:
    """Signing in names no account, so the address must be enough."""
    other = await people.create_account()
    person = {"name": "Twin", "email": "oscar@acme.example", "role": "support", "password": PASSWORD}
    added = await people.ask(other.api_key, "POST", "/v1/agents", json=person)
    change = {"email": person["email"], "current_password": PASSWORD}
    changed = await people.ask(other.api_key, "PATCH", "/v1/agents/me", json=change)

    assert (added.status_code, added.json()["code"]) == (409, "email_taken")
    assert (changed.status_code, changed.json()["code"]) == (409, "email_taken")


async def test_what_belongs_to_another_account_is_not_found(people: Any) -> None:
    """No account can see, change or remove another's agents."""
    other = await people.create_account()
    path = f"/v1/agents/{other.agent_id}"
    answers = [
        await people.http.get(path),
        await people.http.patch(path, json={"name": "Mine"}),
        await people.http.delete(path),
    ]
    listed = (await people.http.get("/v1/agents")).json()["items"]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert [agent["id"] for agent in listed] == [people.account.agent_id]


async def test_a_new_role_holds_in_running_sessions(people: Any) -> None:
    """A session asks for the role of now, not of when it began."""
    agent = await people.add_agent()
    token = await people.token("ann@acme.example")
    before = await people.ask(token, "GET", "/v1/api-keys")
    await people.http.patch(f"/v1/agents/{agent['id']}", json={"role": "admin"})
    after = await people.ask(token, "GET", "/v1/api-keys")

    assert (before.status_code, after.status_code) == (403, 200)


async def test_leaving_ends_sessions_and_keys_and_keeps_the_name(people: Any) -> None:
    """Who left cannot come in by any way, is offline, and is still named in the history (S2, A3)."""
    agent = await people.add_agent()
    token = await people.token("ann@acme.example")
    key = (await people.http.post("/v1/api-keys", json={"name": "k", "scopes": ["*"], "agent_id": agent["id"]})).json()
    first = await people.http.delete(f"/v1/agents/{agent['id']}")
    again = await people.http.delete(f"/v1/agents/{agent['id']}")

    assert (first.status_code, again.status_code) == (204, 204)
    assert (await people.ask(token, "GET", "/v1/agents/me")).status_code == 401
    assert (await people.ask(key["key"], "GET", "/v1/agents/me")).status_code == 401
    assert (await people.sign_in("ann@acme.example")).status_code == 401
    logged_out = await Credentials(people.platform.redis, people.clock).take_logged_out()
    assert {entry[1] for entry in logged_out} == {agent["id"]}
    assert (await directory(people)).agents[agent["id"]].active is False
    assert await people.parts.agents.names(people.account.account_id, [agent["id"]]) == {agent["id"]: "Ann"}


async def test_lists_show_who_left_only_on_request(people: Any) -> None:
    """The people to choose from are those who are here; nobody is changed after leaving."""
    agent = await people.add_agent()
    await people.http.delete(f"/v1/agents/{agent['id']}")
    here = (await people.http.get("/v1/agents")).json()["items"]
    everybody = (await people.http.get("/v1/agents", params={"departed": True})).json()["items"]

    assert [one["name"] for one in here] == ["Oscar"]
    assert sorted((one["name"], one["active"]) for one in everybody) == [("Ann", False), ("Oscar", True)]
    assert (await people.http.patch(f"/v1/agents/{agent['id']}", json={"name": "Back"})).status_code == 404


async def test_the_address_of_somebody_who_left_is_free_again(people: Any) -> None:
    """A successor may take over the mailbox."""
    agent = await people.add_agent()
    await people.http.delete(f"/v1/agents/{agent['id']}")
    successor = await people.add_agent(name="Bea")

    assert successor["id"] != agent["id"]
    assert (await people.sign_in("ann@acme.example")).json()["agent"]["name"] == "Bea"


async def test_agents_are_listed_in_pages(people: Any) -> None:
    """A cursor leads through all of them, each once."""
    for number in range(4):
        await people.add_agent(email=f"agent{number}@acme.example")
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await people.http.get("/v1/agents", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [agent["id"] for agent in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("change", [{"role": "admin"}, None])
async def test_the_last_owner_can_neither_step_down_nor_leave(people: Any, change: dict[str, str] | None) -> None:
    """Somebody must be able to do everything."""
    path = f"/v1/agents/{people.account.agent_id}"
    answer = await (people.http.patch(path, json=change) if change else people.http.delete(path))

    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert (await people.http.get(path)).json()["role"] == "owner"


async def test_two_owners_removing_each_other_leave_one(people: Any) -> None:
    """The account's own document lets only one of two demotions at once pass."""
    second = await people.add_agent(role="owner")
    token = await people.token("ann@acme.example")
    answers = await asyncio.gather(
        people.http.patch(f"/v1/agents/{second['id']}", json={"role": "support"}),
        people.ask(token, "PATCH", f"/v1/agents/{people.account.agent_id}", json={"role": "support"}),
    )
    roles = [agent["role"] for agent in (await people.http.get("/v1/agents")).json()["items"]]

    assert min(answer.status_code for answer in answers) == 200
    assert sorted(roles) == ["owner", "support"]


async def test_an_owner_whose_new_address_is_taken_stays_an_owner(people: Any) -> None:
    """A change that is refused is refused whole."""
    await people.add_agent(email="taken@acme.example")
    second = await people.add_agent(role="owner")
    refused = await people.http.patch(
        f"/v1/agents/{second['id']}", json={"role": "support", "email": "taken@acme.example"}
    )
    stepped_down = await people.http.patch(f"/v1/agents/{people.account.agent_id}", json={"role": "admin"})

    assert (refused.status_code, refused.json()["code"]) == (409, "email_taken")
    assert (await people.http.get(f"/v1/agents/{second['id']}")).json()["role"] == "owner"
    assert stepped_down.status_code == 200


async def test_an_admin_cannot_touch_an_owner(people: Any) -> None:
    """Nobody grants, or changes who has, a role above their own (S1)."""
    await people.add_agent(role="admin")
    token = await people.token("ann@acme.example")
    owner = f"/v1/agents/{people.account.agent_id}"
    person = {"name": "New", "email": "new@acme.example", "role": "owner", "password": PASSWORD}
    answers = [
        await people.ask(token, "POST", "/v1/agents", json=person),
        await people.ask(token, "PATCH", owner, json={"name": "Mine"}),
        await people.ask(token, "DELETE", owner),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "role_too_high")] * 3


def test_roles_rank_from_support_to_owner() -> None:
    """The order of roles, hand-written."""
    rising: list[Role] = ["support", "manager", "admin", "owner"]

    assert [[outranks_or_equals(one, other) for other in rising] for one in rising] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


async def test_one_changes_ones_own_name_freely(people: Any) -> None:
    """A name is no credential."""
    await people.add_agent()
    token = await people.token("ann@acme.example")
    answer = await people.ask(token, "PATCH", "/v1/agents/me", json={"name": "Anna"})

    assert (answer.status_code, answer.json()["name"]) == (200, "Anna")


async def test_one_changes_ones_own_password_only_with_the_present_one(people: Any) -> None:
    """A stolen session alone cannot take an account over; a changed password ends all sessions."""
    await people.add_agent()
    token = await people.token("ann@acme.example")
    new = {"password": "a whole new password"}
    without = await people.ask(token, "PATCH", "/v1/agents/me", json=new)
    wrong = await people.ask(token, "PATCH", "/v1/agents/me", json={**new, "current_password": "not it, sorry"})
    right = await people.ask(token, "PATCH", "/v1/agents/me", json={**new, "current_password": PASSWORD})

    assert [answer.status_code for answer in (without, wrong, right)] == [403, 403, 200]
    assert (await people.ask(token, "GET", "/v1/agents/me")).status_code == 401
    assert (await people.sign_in("ann@acme.example")).status_code == 401
    assert (await people.sign_in("ann@acme.example", new["password"])).status_code == 201


async def test_ones_own_password_has_no_other_way(people: Any) -> None:
    """Managing agents does not get around the present password."""
    path = f"/v1/agents/{people.account.agent_id}"
    changes: list[dict[str, str]] = [{"password": "a whole new password"}, {"email": "new@acme.example"}]
    answers = [await people.http.patch(path, json=change) for change in changes]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "own_credentials")] * 2


async def test_a_narrow_key_cannot_make_or_take_over_a_wider_agent(people: Any) -> None:
    """A key that may only manage agents would else give itself everything (S2)."""
    agent = await people.add_agent()
    given = {"name": "hr", "scopes": ["agents:manage"], "agent_id": people.account.agent_id}
    narrow = (await people.http.post("/v1/api-keys", json=given)).json()["key"]
    person = {"name": "New", "email": "new@acme.example", "role": "owner", "password": PASSWORD}
    answers = [
        await people.ask(narrow, "POST", "/v1/agents", json=person),
        await people.ask(narrow, "PATCH", f"/v1/agents/{agent['id']}", json={"password": "a whole new password"}),
        await people.ask(narrow, "PATCH", "/v1/agents/me", json={"name": "Mine"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "role_too_high")] * 3


async def test_guessing_the_present_password_is_braked(people: Any) -> None:
    """A stolen session gets no more guesses than the sign-in page."""
    await people.add_agent()
    token = await people.token("ann@acme.example")
    guess = {"password": "a whole new password", "current_password": "a guess"}
    answers = [await people.ask(token, "PATCH", "/v1/agents/me", json=guess) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [403] * 10 + [429]


async def test_a_key_that_acts_for_nobody_has_no_profile(people: Any) -> None:
    """`me` needs an agent."""
    key = (await people.http.post("/v1/api-keys", json={"name": "crm", "scopes": ["tickets:read"]})).json()["key"]
    answer = await people.ask(key, "GET", "/v1/agents/me")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_an_agent")


async def test_what_does_not_fit_is_refused(people: Any) -> None:
    """Every input has limits, and unknown fields never pass silently (S4)."""
    person = {"name": "Ann", "email": "ann@acme.example", "role": "support", "password": PASSWORD}
    flaws: list[dict[str, Any]] = [
        {"email": "no address"},
        {"email": "two@@acme.example"},
        {"email": "line\r\nbreak@acme.example"},
        {"password": "short"},
        {"role": "king"},
        {"name": ""},
        {"name": "x" * 201},
        {"surprise": 1},
    ]
    answers = [await people.http.post("/v1/agents", json={**person, **flaw}) for flaw in flaws]
    taken = [flaw for flaw, answer in zip(flaws, answers, strict=True) if answer.is_success]

    assert taken == []
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(422, "invalid_request")}


async def test_a_repeated_request_adds_one_agent(people: Any) -> None:
    """With an Idempotency-Key the same agent comes back instead of `email_taken`."""
    person = {"name": "Ann", "email": "ann@acme.example", "role": "support", "password": PASSWORD}
    headers = {"Idempotency-Key": "one"}
    first = await people.http.post("/v1/agents", json=person, headers=headers)
    again = await people.http.post("/v1/agents", json=person, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
