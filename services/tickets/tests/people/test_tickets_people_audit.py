from collections import Counter
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from contracts.audit import AuditRecorded
from contracts.people import Actor
from service_kit.audit import AUDIT_INTENTS
from service_kit.auth import EVERY_SCOPE, Principal
from service_kit.docstore import Cmp
from tickets.access.sign_in_limit import ATTEMPTS
from tickets.audit.audit import AUDIT

OSCAR = "oscar@acme.example"
PASSWORD = "correct horse battery"

MACRO = {"name": "Thanks", "text": "Thank you."}
ANN = {"name": "Ann", "email": "ann@acme.example", "role": "support", "password": PASSWORD}

# Every change of people that an owner can make with a key: the request, and what the log must say of it.
CHANGES: dict[str, tuple[str, str, Any, set[str]]] = {
    "agent.created": ("POST", "/v1/agents", ANN, {"name", "email", "role", "password"}),
    "agent.changed": ("PATCH", "/v1/agents/{agent}", {"role": "manager"}, {"role"}),
    "agent.removed": ("DELETE", "/v1/agents/{agent}", None, set()),
    "agent.sessions_ended": ("DELETE", "/v1/agents/{agent}/sessions", None, set()),
    "agent.totp_reset": ("DELETE", "/v1/agents/{agent}/totp", None, set()),
    "api_key.created": ("POST", "/v1/api-keys", {"name": "k", "scopes": ["*"]}, {"name", "scopes"}),
    "api_key.revoked": ("DELETE", "/v1/api-keys/{key}", None, set()),
    "macro.created": ("POST", "/v1/macros", MACRO, {"name", "text"}),
    "macro.changed": ("PATCH", "/v1/macros/{macro}", {"name": "Bye"}, {"name"}),
    "macro.deleted": ("DELETE", "/v1/macros/{macro}", None, set()),
    "settings.changed": ("PATCH", "/v1/settings/account", {"prefix": "ACME"}, {"prefix"}),
}


async def existing(people: Any) -> dict[str, str]:
    """An agent, a key and a macro to do something to."""
    agent = await people.add_agent(email="ben@acme.example", name="Ben")
    key = (await people.http.post("/v1/api-keys", json={"name": "old", "scopes": ["*"]})).json()
    macro = (await people.http.post("/v1/macros", json=MACRO)).json()
    return {"agent": agent["id"], "key": key["id"], "macro": macro["id"]}


@pytest.mark.parametrize("action", CHANGES)
async def test_every_change_is_in_the_log(people: Any, action: str) -> None:
    """Who, what, to whom, when, from where, by which request, and the names of what was given: never values (S3)."""
    method, path, body, fields = CHANGES[action]
    ids = await existing(people)
    people.clock.advance(timedelta(minutes=1))
    headers = {"X-Request-Id": "the-request"}
    answer = await people.http.request(method, path.format(**ids), json=body, headers=headers)
    assert answer.is_success, answer.text
    entry, *_ = await people.audited(action=action, since=people.clock.now().isoformat())
    created = answer.json().get("id") if answer.content else None
    targets = {*ids.values(), created, "account"} - {None}

    assert (entry["action"], entry["outcome"], entry["service"]) == (action, "done", "tickets")
    assert entry["actor"] == {"kind": "agent", "id": people.account.agent_id}
    assert entry["at"] == "2026-11-21T12:01:00Z"
    assert (entry["request_id"], entry["source_address"]) == ("the-request", "127.0.0.1")
    assert entry["credential_id"].startswith("key_")
    assert set(entry["fields"]) == fields
    assert entry["target_id"] in targets
    assert created is None or entry["target_id"] == created


async def test_what_people_do_to_their_own_way_in_is_in_the_log(people: Any) -> None:
    """Signing in and out, one's own password and the second factor leave entries that name oneself (S2, S3)."""
    token = await people.token(OSCAR)
    secret = (await people.ask(token, "POST", "/v1/agents/me/totp")).json()["secret"]
    codes = [pyotp.TOTP(secret).at(people.clock.now(), counter_offset=step) for step in (0, 1)]
    await people.ask(token, "POST", "/v1/agents/me/totp/confirm", json={"code": codes[0]})
    await people.ask(token, "DELETE", "/v1/agents/me/totp", json={"password": PASSWORD, "code": codes[1]})
    await people.ask(token, "PATCH", "/v1/agents/me", json={"name": "Os"})
    await people.ask(token, "DELETE", "/v1/sessions/current")
    await people.ask(await people.token(OSCAR), "DELETE", "/v1/sessions")
    entries = await people.audited(8, actor=people.account.agent_id)
    by_action = {entry["action"]: entry["target_id"] for entry in entries}

    assert by_action.keys() == {
        "session.started",
        "totp.begun",
        "totp.enabled",
        "totp.disabled",
        "agent.changed",
        "session.ended",
        "agent.sessions_ended",
    }
    assert {target for action, target in by_action.items() if not action.startswith("session.")} == {
        people.account.agent_id
    }
    assert by_action["session.ended"].startswith("ses_")


async def test_the_log_holds_no_secret(people: Any) -> None:
    """Neither passwords, keys, tokens nor codes are in any entry (S3)."""
    token = await people.token(OSCAR)
    key = (await people.http.post("/v1/api-keys", json={"name": "k", "scopes": ["*"]})).json()["key"]
    secret = (await people.ask(token, "POST", "/v1/agents/me/totp")).json()["secret"]
    code = pyotp.TOTP(secret).at(people.clock.now())
    confirmed = await people.ask(token, "POST", "/v1/agents/me/totp/confirm", json={"code": code})
    await people.add_agent()
    entries = str(await people.audited(5))

    assert "totp.enabled" in entries
    assert not any(
        text in entries for text in (PASSWORD, token, key, secret, code, *confirmed.json()["recovery_codes"])
    )


async def test_a_refused_request_leaves_nothing(people: Any) -> None:
    """What was forbidden, invalid, unknown or impossible did not happen, and is not said to have happened (S3)."""
    await people.add_agent()
    token = await people.token("ann@acme.example")
    refused = [
        await people.ask(token, "POST", "/v1/agents", json=ANN),
        await people.http.post("/v1/agents", json={"name": "Nobody"}),
        await people.http.post("/v1/agents", json=ANN),
        await people.http.delete("/v1/agents/agt_nobody"),
        await people.http.delete(f"/v1/agents/{people.account.agent_id}"),
    ]
    await people.http.post("/v1/macros", json=MACRO)
    entries = await people.audited(4)
    intents = await people.platform.store.collection(AUDIT_INTENTS).find(Cmp("id", ">", ""))

    assert [answer.status_code for answer in refused] == [403, 422, 409, 404, 409]
    assert {entry["action"] for entry in entries} == {
        "account.created",
        "agent.created",
        "session.started",
        "macro.created",
    }
    assert len(entries) == 4
    assert intents.items == []


async def test_the_log_is_filtered_and_paged(people: Any) -> None:
    """By actor, action, target and time, newest first, page by page; an unknown action is refused (S3)."""
    made = []
    for number in range(5):
        people.clock.advance(timedelta(minutes=1))
        made.append((await people.http.post("/v1/macros", json={**MACRO, "name": f"M{number}"})).json()["id"])
    agent = await people.add_agent()
    everything = await people.audited(6)
    wanted = "since=2026-11-21T12:02:00Z&until=2026-11-21T12:05:00Z&action=macro.created"
    between = (await people.http.get(f"/v1/audit?{wanted}")).json()["items"]
    first = (await people.http.get("/v1/audit", params={"limit": 4})).json()
    rest = (await people.http.get("/v1/audit", params={"limit": 4, "cursor": first["next_cursor"]})).json()
    unknown = await people.http.get("/v1/audit?action=macro.eaten")

    assert [entry["target_id"] for entry in between] == made[1:4][::-1]
    assert [*first["items"], *rest["items"]] == everything
    assert [entry["action"] for entry in await people.audited(target=agent["id"])] == ["agent.created"]
    assert (await people.http.get("/v1/audit?actor=agt_nobody")).json()["items"] == []
    assert unknown.status_code == 422


async def test_an_account_sees_its_own_log_only(people: Any) -> None:
    """Another account's owner finds nothing of ours, whatever they ask for (S3, S4)."""
    agent = await people.add_agent()
    await people.audited()
    other = await people.create_account()
    answer = await people.ask(other.api_key, "GET", f"/v1/audit?target={agent['id']}")

    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_what_services_tell_twice_is_one_entry(people: Any) -> None:
    """Entries from the bus are known by their id, and the first one stands: nothing overwrites the log (S3)."""
    told = AuditRecorded(
        id="aud_1",
        account_id=people.account.account_id,
        time=people.clock.now(),
        action="team.created",
        actor=Actor(kind="agent", id="agt_1"),
        target_id="tea_1",
        service="router",
    )
    forged = told.model_copy(update={"target_id": "tea_2"})
    await people.platform.bus.publish([told, forged, told])
    await people.platform.bus.publish([told.model_copy(update={"id": "aud_2", "action": "team.deleted"})])
    await people.audited(action="team.deleted")

    assert [entry["target_id"] for entry in await people.audited(action="team.created")] == ["tea_1"]


async def test_work_that_resumes_enters_itself_once(people: Any) -> None:
    """Under the same key an entry is made once, however often what made it is resumed (S3)."""
    who = Principal(people.account.account_id, "service", None, "owner", frozenset({EVERY_SCOPE}), "key_1")
    for _ in range(3):
        await people.parts.audit_log.record(who, "contact.erased", "con_1", details={"messages": 2}, key="era_1")
    await people.parts.audit_log.record(who, "contact.erased", "con_1", key="era_2")
    entries = await people.audited(2, action="contact.erased")

    assert sorted(entry["details"].get("messages", 0) for entry in entries) == [0, 2]
    assert {entry["actor"]["kind"] for entry in entries} == {"service"}


async def test_refused_sign_ins_are_in_the_log(people: Any) -> None:
    """Each wrong password, and a lock-out once; of addresses that nobody has nothing is kept (S2, S3)."""
    for _ in range(ATTEMPTS + 3):
        await people.sign_in(OSCAR, "not the password")
    await people.sign_in("nobody@acme.example")
    worker = next(worker for worker in people.parts.workers if worker.name == "tickets.refused_sign_ins")
    for _ in range(2):
        await worker._run()
    entries = await people.audited(ATTEMPTS + 1, action="session.refused")
    reasons = Counter(entry["details"]["reason"] for entry in entries)
    left = await people.platform.redis.llen("deskbus:sign-ins:refused")

    assert reasons == {"invalid_credentials": ATTEMPTS, "too_many_sign_ins": 1}
    assert {entry["target_id"] for entry in entries} == {people.account.agent_id}
    assert {entry["actor"]["kind"] for entry in entries} == {"system"}
    assert left == 0


async def test_entries_are_only_ever_added(people: Any) -> None:
    """No route changes or removes an entry (S3)."""
    await people.add_agent()
    (entry,) = await people.audited(action="agent.created")
    answers = [
        await people.http.request(method, f"/v1/audit{path}")
        for method in ("PATCH", "PUT", "DELETE", "POST")
        for path in ("", f"/{entry['id']}")
    ]
    stored = await people.platform.store.collection(AUDIT).get(entry["id"])

    assert {answer.status_code for answer in answers} == {404, 405}
    assert stored is not None
    assert stored.rev == 1
