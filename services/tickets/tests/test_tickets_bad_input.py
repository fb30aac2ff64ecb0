"""Every route of tickets under input that is wrong on purpose: what no caller may get past, however it is put."""

import json
import re
from collections.abc import Iterator
from typing import Any

from argon2 import PasswordHasher
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from tickets.people.account_workflow import NewAccount
from tickets.people_app import account_workflow

OTHER = "acc_2"
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOTHING_HAPPENED = {400, 404, 409, 413, 422}
TEN_MEGABYTES = 10 * 1024 * 1024

FLAWED = {
    "nul": '{"text": "a\\u0000b"}',
    "surrogate": '{"text": "\\ud800"}',
    "surrogate_key": '{"\\ud800": 1}',
    "deep": '{"x":' + "[" * 20_000 + "]" * 20_000 + "}",
    "infinite": '{"text": 1e999}',
    "unclosed": "[" * 20_000,
    "cut": "{",
    "word": "nul",
}

BODIES: dict[str, dict[str, Any]] = {
    "PUT assignee": {"agent_id": None},
    "PUT tags": {"tags": ["vip"]},
    "PUT priority": {"priority": "high"},
    "POST snooze": {"preset": "tomorrow"},
    "POST merge": {"into": "tic_1"},
    "POST split": {"message_ids": ["msg_1"]},
    "PUT presence": {"state": "viewing"},
    "PUT draft": {"text": "Dear"},
    "POST messages": {"text": "Hello"},
    "POST notes": {"text": "Hello"},
    "POST redact": {"reason": "a card number"},
    "PUT custom": {"values": {"colour": "red"}},
    "PATCH {agent_id}": {"name": "Mallory"},
    "PATCH {view_id}": {"name": "Mine"},
    "PATCH {filter_id}": {"name": "Mine"},
    "PATCH {macro_id}": {"name": "Mine"},
    "PATCH {field_id}": {"label": "Mine"},
}
"""What each route takes, by its method and the end of its path."""

QUERIES = {"images": "?url=https://pictures.example/a.png"}
"""What a route must be asked with, by the end of its path."""


def routes(bench: Any) -> Iterator[tuple[str, str, APIRoute]]:
    """Method, path and route of all there are."""
    for route in bench.service.api.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/v1/"):
            for method in route.methods:
                yield method, route.path, route


def shape_of(route: APIRoute) -> type[BaseModel] | None:
    """The body a route declares, where it is an object of known fields."""
    declared = route.body_field and route.body_field.field_info.annotation
    return declared if isinstance(declared, type) and issubclass(declared, BaseModel) else None


async def furnished(bench: Any) -> dict[str, str]:
    """Ids of things of the first account, by the name that routes give them."""
    [entry] = await bench.receive(bench.inbox.mail())
    ticket = await bench.get(f"/v1/tickets/{entry.ticket_id}")
    [message] = (await bench.get(f"/v1/tickets/{entry.ticket_id}/messages"))["items"]
    known = {"ticket_id": ticket["id"], "contact_id": ticket["contact"]["id"], "message_id": message["id"]}
    made = {
        "macro_id": ("/v1/macros", {"name": "Refund", "text": "Refunded."}),
        "view_id": ("/v1/views", {"name": "Vip", "shared": True}),
        "field_id": ("/v1/custom-fields", {"scope": "ticket", "key": "colour", "label": "Colour", "type": "text"}),
        "filter_id": ("/v1/contact-event-filters", {"name": "Orders"}),
        "block_id": ("/v1/blocks", {"kind": "email", "value": "spam@spam.example"}),
        "key_id": ("/v1/api-keys", {"name": "Export", "scopes": ["tickets:read"]}),
    }
    for name, (path, body) in made.items():
        answer = await bench.do("POST", path, body)
        assert answer.status_code == 201, (path, answer.text)
        known[name] = answer.json()["id"]
    return {**known, "agent_id": "agt_2", "attachment_id": "att_1"}


async def stranger(bench: Any) -> dict[str, str]:
    """The session of another account's owner."""
    fields = {"name": "Other", "owner_name": "Olga", "email": "olga@other.example", "account_id": OTHER}
    created = await account_workflow(bench.platform, hasher=CHEAP_HASHER).create(
        NewAccount(**fields, password="correct horse battery")
    )
    session = await sign_in(bench.platform, account_id=OTHER, agent_id=created.agent_id, role="owner")

    async def is_set_up() -> bool:
        return bool((await bench.do("GET", "/v1/tickets/counts", **session)).status_code == 200)

    await eventually(is_set_up, seconds=15)
    return session


def filled(path: str, known: dict[str, str]) -> str:
    """The path with ids."""
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], found[1]), path)


async def test_what_is_anothers_is_not_there(bench: Any):
    """Whatever the route, an id of another account is not found, and never merely forbidden (S1)."""
    known, session = await furnished(bench), await stranger(bench)
    answers: dict[str, tuple[int, str]] = {}
    for method, path, _ in routes(bench):
        if "{" in path:
            body = BODIES.get(f"{method} {path.rpartition('/')[2]}")
            asked = QUERIES.get(path.rpartition("/")[2], "")
            answer = await bench.do(method, filled(path, known) + asked, body, **session)
            answers[f"{method} {path}"] = (answer.status_code, answer.json().get("code", ""))

    assert len(answers) > 50
    assert {name: got for name, got in answers.items() if got != (404, "not_found")} == {}


async def test_operators_and_unknown_fields_are_refused(bench: Any):
    """An object where a value belongs, or a field that nobody knows, is never read as a condition (S4)."""
    known, tried, found = await furnished(bench), 0, []
    for method, path, route in routes(bench):
        shape = shape_of(route)
        if shape is None:
            continue
        good = BODIES.get(f"{method} {path.rpartition('/')[2]}", {})
        operators = [{**good, name: {"$gt": ""}} for name in shape.model_fields]
        for body in (*operators, {**good, "$where": "1"}, {**good, "unheard_of": 1}):
            answer = await bench.do(method, filled(path, known), body)
            tried += 1
            found += [(method, path, body, answer.status_code)] if answer.status_code != 422 else []

    assert tried > 60
    assert found == []


async def test_operators_in_a_query_are_plain_text(bench: Any):
    """What looks like a condition of a store is only a text that nothing equals (S4)."""
    await furnished(bench)
    found = [
        (name, value)
        for name in ("tag", "assignee", "contact", "team")
        for value in ('{"$gt": ""}', "$ne", "*' OR 1=1 --")
        if (await bench.get("/v1/tickets", status="any", **{name: value}))["items"]
    ]

    assert found == []


async def test_flawed_json_is_refused_everywhere(bench: Any):
    """NUL, lone surrogates, depth and what is no JSON stop before any route begins (S4)."""
    known, tried, found = await furnished(bench), 0, []
    headers = {**bench.http.headers, "Content-Type": "application/json"}
    for method, path, route in routes(bench):
        for name, raw in FLAWED.items() if route.body_field is not None else ():
            answer = await bench.http.request(method, filled(path, known), content=raw.encode(), headers=headers)
            tried += 1
            found += [(method, path, name, answer.status_code)] if answer.status_code not in {400, 422} else []

    assert tried > 25 * len(FLAWED)
    assert found == []


async def test_large_bodies_are_refused(bench: Any):
    """Ten megabytes of text are too much for any field, and more than sixteen for any request (S4)."""
    known = await furnished(bench)
    statuses = set()
    for path in ("messages", "notes", "draft"):
        method = "PUT" if path == "draft" else "POST"
        answer = await bench.do(method, f"/v1/tickets/{known['ticket_id']}/{path}", {"text": "x" * TEN_MEGABYTES})
        statuses.add((answer.status_code, answer.json()["code"]))
    whole = await bench.do("POST", f"/v1/tickets/{known['ticket_id']}/notes", {"text": "x" * TEN_MEGABYTES * 2})
    thread = await bench.thread(known["ticket_id"])

    assert statuses == {(422, "invalid_request")}
    assert (whole.status_code, whole.json()["code"]) == (413, "too_large")
    assert len(thread) == 1


async def test_ten_thousand_tags_are_refused(bench: Any):
    """However they are brought, more tags than people would read are refused, and none of them stays (S4)."""
    known = await furnished(bench)
    tags = [f"tag-{number}" for number in range(10_000)]
    ids = [known["ticket_id"]]
    answers = [
        await bench.do("PUT", f"/v1/tickets/{ids[0]}/tags", {"tags": tags}),
        await bench.do("POST", "/v1/tickets/bulk", {"ids": ids, "action": "add_tags", "tags": tags}),
        await bench.do("POST", "/v1/macros", {"name": "All", "text": "x", "actions": {"add_tags": tags}}),
    ]
    batches = [tags[start : start + 50] for start in (0, 50)]
    added = [
        await bench.do("POST", "/v1/tickets/bulk", {"ids": ids, "action": "add_tags", "tags": batch})
        for batch in batches
    ]
    shown = await bench.get(f"/v1/tickets/{ids[0]}")

    assert [answer.status_code for answer in answers] == [422] * 3
    assert [answer.json()["results"][0]["code"] for answer in added] == [None, "too_many_tags"]
    assert len(shown["tags"]) == 50


async def test_cursors_that_were_tampered_with(bench: Any):
    """A cursor of another list, of another account, cut or made up is refused or leads to one's own: never a fault."""
    known, session = await furnished(bench), await stranger(bench)
    await bench.receive(bench.inbox.mail(), bench.inbox.mail())
    cursor = (await bench.get("/v1/tickets", limit=1))["next_cursor"]
    made_up = ["nonsense", "W10", "é", "\x00", cursor[:-3], cursor[::-1], cursor + "A", json.dumps({"$gt": ""}), cursor]
    tried, found = 0, []
    for method, path, route in routes(bench):
        if not any(one.name == "cursor" for one in route.dependant.query_params):
            continue
        for one in made_up:
            answer = await bench.http.request(method, filled(path, known), params={"cursor": one})
            tried += 1
            found += [(path, one, answer.status_code)] if answer.status_code not in {200, *NOTHING_HAPPENED} else []
    borrowed = await bench.http.get("/v1/tickets", params={"cursor": cursor}, headers=session)

    assert tried > 60
    assert found == []
    assert borrowed.json().get("items", []) == []


async def test_who_is_late_is_told_what_they_missed(bench: Any):
    """Every change of a ticket that names an old version is refused with the events since, and changes nothing (L6)."""
    known = await furnished(bench)
    other = (await bench.receive(bench.inbox.mail()))[0].ticket_id
    path = f"/v1/tickets/{known['ticket_id']}"
    await bench.do("POST", f"{path}/notes", {"text": "So that a split leaves something"})
    seen = (await bench.get(path))["version"]
    await bench.do("PUT", f"{path}/tags", {"tags": ["vip"]})
    before = await bench.get(path)
    meant = {
        "tags": {"tags": ["other"]},
        "merge": {"into": other},
        "split": {"message_ids": [known["message_id"]]},
    }
    late = {"If-Match": f'"{seen}"'}
    answers = {}
    for name, body in BODIES.items():
        method, _, action = name.partition(" ")
        if action in {"assignee", "tags", "priority", "snooze", "messages", "notes", "custom", "split", "merge"}:
            answers[action] = await bench.do(method, f"{path}/{action}", meant.get(action, body), **late)
    answers |= {action: await bench.do("POST", f"{path}/{action}", None, **late) for action in ("close", "reopen")}
    told = {
        action: (answer.status_code, [event["type"] for event in answer.json().get("missed", ())])
        for action, answer in answers.items()
    }

    assert told == dict.fromkeys(answers, (412, ["support.ticket.tags_changed.v1"]))
    assert await bench.get(path) == before
