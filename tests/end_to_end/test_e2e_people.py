"""Agents, sessions, API keys and who is online."""

import time

import pytest

from end_to_end.caller import Caller
from end_to_end.company import PASSWORD, Company
from end_to_end.routes import EVERY_SERVICE
from end_to_end.until import until


def knows(caller: Caller) -> list[int]:
    """What every service answers a caller."""
    return [caller.send("GET", path).status_code for path in EVERY_SERVICE]


def test_agents_are_added_changed_and_let_go(shared_company: Company) -> None:
    """An agent is created, shown, listed, changed and removed; who left cannot sign in and keeps the name (S1, S2)."""
    company = shared_company
    email = company.customer("grace")
    body = {"name": "Grace", "email": email, "role": "support", "password": PASSWORD}
    agent = company.owner.post("/v1/agents", body)
    shown = company.owner.get(f"/v1/agents/{agent['id']}")
    changed = company.owner.patch(f"/v1/agents/{agent['id']}", {"name": "Grace Hopper", "role": "manager"})
    taken = company.owner.refused("POST", "/v1/agents", body)
    session = company.sign_in(email)
    me = session.get("/v1/agents/me")
    company.owner.delete(f"/v1/agents/{agent['id']}")
    gone = company.owner.get(f"/v1/agents/{agent['id']}")

    assert shown == agent
    assert (changed["name"], changed["role"], me["id"]) == ("Grace Hopper", "manager", agent["id"])
    assert (taken.status, taken.code) == (409, "email_taken")
    assert "password" not in str(agent)
    assert (gone["name"], gone["active"]) == ("Grace Hopper", False)
    assert knows(session) == [401] * len(EVERY_SERVICE)
    assert agent["id"] not in [one["id"] for one in company.owner.everything("/v1/agents")]
    assert session.refused("POST", "/v1/sessions", {"email": email, "password": PASSWORD}).status == 401


def test_the_last_owner_stays(shared_company: Company) -> None:
    """An account keeps an owner: the last one can neither leave nor become less (S1)."""
    company = shared_company
    path = f"/v1/agents/{company.owner_id}"
    leaving = company.owner.refused("DELETE", path)
    sinking = company.owner.refused("PATCH", path, {"role": "support"})

    assert [one.status for one in (leaving, sinking)] == [409, 409]
    assert company.owner.get(path)["role"] == "owner"


def test_signing_in_needs_the_password(shared_company: Company) -> None:
    """A wrong password and an unknown address are told apart by nobody; both are 401 (S2)."""
    company = shared_company
    email = company.agent().email
    stranger = Caller(company.owner.client)
    wrong = stranger.refused("POST", "/v1/sessions", {"email": email, "password": "wrong-password"})
    unknown = stranger.refused("POST", "/v1/sessions", {"email": company.customer(), "password": "wrong-password"})
    owner = company.sign_in(company.credentials["email"], company.credentials["password"])

    assert (wrong.status, wrong.code, wrong.document["detail"]) == (401, unknown.code, unknown.document["detail"])
    assert owner.get("/v1/agents/me")["role"] == "owner"


def test_logging_out_ends_the_session_on_every_service(shared_company: Company) -> None:
    """A session works on every service, and on none from the moment of its logout; other sessions go on (S2)."""
    company = shared_company
    agent = company.agent(role="admin")
    leaving, staying = company.sign_in(agent.email), company.sign_in(agent.email)
    before = knows(leaving)
    leaving.delete("/v1/sessions/current")

    assert before == [200] * len(EVERY_SERVICE)
    assert knows(leaving) == [401] * len(EVERY_SERVICE)
    assert knows(staying) == [200] * len(EVERY_SERVICE)


def test_a_key_is_shown_once_and_revoked_at_once(shared_company: Company) -> None:
    """A key's text is in no later answer; revoked, it opens no service any more (S2)."""
    company = shared_company
    made = company.owner.post("/v1/api-keys", {"name": "integration", "scopes": ["*"]})
    caller = Caller(company.owner.client, made["key"])
    before = knows(caller)
    listed = company.owner.everything("/v1/api-keys")
    company.owner.delete(f"/v1/api-keys/{made['id']}")

    assert made["id"] in [one["id"] for one in listed]
    assert made["key"] not in str(listed)
    assert [code for path, code in zip(EVERY_SERVICE, before, strict=True) if path != "/v1/agents/me"] == [200] * 7
    assert knows(caller) == [401] * len(EVERY_SERVICE)
    assert made["id"] not in [one["id"] for one in company.owner.everything("/v1/api-keys")]


def test_a_new_password_ends_all_sessions(shared_company: Company) -> None:
    """Changing one's password ends one's sessions everywhere, and only the new one signs in (S2)."""
    company = shared_company
    agent = company.agent()
    session = company.sign_in(agent.email)
    session.patch("/v1/agents/me", {"password": "another-long-password", "current_password": PASSWORD})

    assert session.send("GET", "/v1/tickets").status_code == 401
    assert company.sign_in(agent.email, "another-long-password").get("/v1/agents/me")["id"] == agent.id


def test_agents_switch_themselves_and_nobody_else(shared_company: Company) -> None:
    """The switch is each agent's own: others get 403, and the list shows who is online (A3)."""
    company = shared_company
    ada, ben = company.agent(), company.agent()
    ada.go(online=True)
    refused = ada.api.refused("PUT", f"/v1/agents/{ben.id}/availability", {"online": True})
    listed = company.owner.get("/v1/availability")
    online = {one["agent_id"]: one["online"] for one in listed["items"]}
    ada.go(online=False)
    after = {one["agent_id"]: one["online"] for one in company.owner.get("/v1/availability")["items"]}

    assert refused.status == 403
    assert (online[ada.id], online[ben.id], after[ada.id]) == (True, False, False)
    assert listed["switch"] is True


def test_the_switch_is_shown_only_with_round_robin(company: Company) -> None:
    """With round robin off there is no switch to show (A3)."""
    company.set("assignment", {"round_robin": False})

    assert company.owner.get("/v1/availability")["switch"] is False


@pytest.mark.parametrize("sessions", [1, 2])
def test_who_logs_out_is_offline_within_a_second(shared_company: Company, sessions: int) -> None:
    """The last logout of an agent takes them offline within a second; one of two sessions does not (A3)."""
    company = shared_company
    agent = company.agent()
    signed_in = [company.sign_in(agent.email) for _ in range(sessions)]
    signed_in[0].put("/v1/agents/me/availability", {"online": True})

    def is_online() -> bool:
        listed = company.owner.get("/v1/availability")["items"]
        return bool(next(one["online"] for one in listed if one["agent_id"] == agent.id))

    before_each_logout = []
    for session in signed_in:
        before_each_logout.append(is_online())
        session.delete("/v1/sessions/current")
    started = time.monotonic()
    until(lambda: not is_online())

    assert before_each_logout == [True] * sessions
    assert time.monotonic() - started < 2  # the second of A3, and what a busy machine adds
