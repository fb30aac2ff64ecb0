"""Every route against every role, strangers, narrow keys and other accounts: generated from the routes themselves."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.people import Role
from end_to_end.bodies import smallest_body
from end_to_end.caller import Caller
from end_to_end.company import Company
from end_to_end.system import RunningSystem
from permissions.doors import Door, composed, every_door
from service_kit.auth import ROLE_PERMISSIONS, Permission

Json = dict[str, Any]

_CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Deskbus//tests//EN\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20261225\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)

# Bodies for which the schema alone does not say what the route takes.
_BODIES: Mapping[str, Json] = {
    "PUT /v1/tickets/{ticket_id}/assignee": {"agent_id": None},
    "POST /v1/tickets/{ticket_id}/snooze": {"until": "2099-01-01T00:00:00Z"},
    "POST /v1/tickets/{ticket_id}/messages": {"text": "Hello."},
    "PUT /v1/tickets/{ticket_id}/custom": {"values": {"size": "L"}},
    "POST /v1/schedules/{schedule_id}/import": {"ics": _CALENDAR},
}

# What paths name beside ids: addresses and the like, of which this account has none.
_NOT_IDS = {"address": "nobody@customer.example"}

# Reads of what this account has none of, though it has what they are about.
_ABSENT = {
    "GET /v1/contacts/{contact_id}/erasure",
    "GET /v1/tickets/{ticket_id}/draft",
    "GET /v1/tickets/{ticket_id}/messages/{message_id}/images",
}


@pytest.fixture
async def doors(tmp_path: Path) -> list[Door]:
    """Every route of every service that asks who is there."""
    return [door for door in await every_door(tmp_path) if door.needs_credential]


def knock(caller: Caller, door: Door, ids: Mapping[str, str], body: Any = None) -> tuple[int, str]:
    """Status and code of the answer, without waiting for a stream to end."""
    path = re.sub(r"\{(\w+)[^}]*\}", lambda found: ids.get(found[1], "none"), door.path)
    headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    options: dict[str, Any] = {} if door.method in {"GET", "HEAD"} else {"json": {} if body is None else body}
    with caller.client.stream(door.method, path, headers=headers, **options) as answer:
        if not answer.headers.get("content-type", "").startswith("application/problem+json"):
            return answer.status_code, ""
        answer.read()
        return answer.status_code, answer.json()["code"]


def narrow_key(company: Company, permission: Permission) -> Caller:
    """A key of the owner's that may do this one thing."""
    body = {"name": "narrow", "scopes": [permission], "agent_id": company.owner_id}
    return Caller(company.owner.client, company.owner.post("/v1/api-keys", body)["key"])


async def test_strangers_are_turned_away_at_every_door(shared_company: Company, doors: list[Door]) -> None:
    """Without a credential, and with one that nobody gave out, each route is 401 (S1)."""
    client = shared_company.owner.client
    for token in (None, "ses_made-up"):
        answers = {str(door): knock(Caller(client, token), door, {}) for door in doors}

        assert {name: answer for name, answer in answers.items() if answer != (401, "unauthenticated")} == {}


@pytest.mark.laws
@pytest.mark.parametrize("role", list(ROLE_PERMISSIONS))
async def test_each_role_passes_the_doors_of_its_permissions(company: Company, doors: list[Door], role: Role) -> None:
    """A role without the permission is 403 `forbidden`; with it the request is judged, and nothing breaks (S1)."""
    agent = company.agent(role=role)
    wrong = {}
    for door in doors:
        status, code = knock(agent.api, door, {})
        may = set(door.permissions) <= ROLE_PERMISSIONS[role]
        if status == 401 or (code == "forbidden") is may or status >= 500:
            wrong[str(door)] = (status, code, may)

    assert wrong == {}


@pytest.mark.laws
async def test_a_key_with_another_scope_passes_no_door_of_this_one(shared_company: Company, doors: list[Door]) -> None:
    """A key may what its scopes say and no more, whatever its agent's role (S2)."""
    keys = {wanted: narrow_key(shared_company, wanted) for wanted in Permission}
    others = list(Permission)
    asked = [door for door in doors if door.permissions]
    wrong_scope = {str(door): knock(keys[others[others.index(door.permissions[0]) - 1]], door, {}) for door in asked}
    right_scope = {str(door): knock(keys[door.permissions[0]], door, {}) for door in asked}

    assert {name: answer for name, answer in wrong_scope.items() if answer != (403, "forbidden")} == {}
    assert {name: one for name, one in right_scope.items() if one[0] == 401 or one[1] == "forbidden"} == {}


# What makes one thing of each kind that a route names by its id: the parameter, where it is made, and from what.
_MAKING: dict[str, tuple[str, Json]] = {
    "macro_id": ("/v1/macros", {"name": "M", "text": "Hello."}),
    "view_id": ("/v1/views", {"name": "V", "filter": {}, "shared": True}),
    "field_id": ("/v1/custom-fields", {"scope": "ticket", "key": "size", "label": "Size", "type": "text"}),
    "filter_id": ("/v1/contact-event-filters", {"name": "F"}),
    "block_id": ("/v1/blocks", {"kind": "email", "value": "spam@elsewhere.example"}),
    "team_id": ("/v1/teams", {"name": "T"}),
    "schedule_id": ("/v1/schedules", {"name": "S", "zone": "UTC"}),
    "webhook_id": ("/v1/webhooks", {"url": "https://customer.example/hook", "events": ["support.ticket.*"]}),
    "key_id": ("/v1/api-keys", {"name": "K", "scopes": ["*"]}),
}


def things_of(company: Company) -> dict[str, str]:
    """One of each thing that routes name by an id, of this account."""
    ticket = company.opened_by_mail()
    file = {"name": "a.txt", "content_type": "text/plain", "content": "aGVsbG8="}
    reply = company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello.", "attachments": [file]})
    agent = company.agent()
    agent.api.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "Look.", "mentions": [company.owner_id]})
    return {
        "ticket_id": ticket["id"],
        "contact_id": ticket["contact"]["id"],
        "message_id": reply["id"],
        "attachment_id": reply["attachments"][0]["id"],
        "agent_id": agent.id,
        "mention_id": company.owner.get("/v1/mentions")["items"][0]["id"],
        "run_id": company.owner.post("/v1/tickets/bulk", {"ids": [ticket["id"]], "action": "read"})["run_id"],
        "check_id": company.owner.post("/v1/email/forwarding-checks", {"address": company.support})["id"],
        **{name: company.owner.post(path, body)["id"] for name, (path, body) in _MAKING.items()},
    }


@pytest.mark.laws
async def test_ids_of_another_account_are_not_found(
    system: RunningSystem, company: Company, doors: list[Door], tmp_path: Path
) -> None:
    """What is asked about another account's things is 404, never 403 and never done; their owner finds them (S4)."""
    ids = things_of(company)
    documents = {service.name: service.api.openapi() for service in await composed(tmp_path)}
    stranger = system.company().owner
    named = [door for door in doors if "{" in door.path]
    unknown = {name for door in named for name in re.findall(r"\{(\w+)", door.path)} - ids.keys() - _NOT_IDS.keys()
    ids |= _NOT_IDS
    answers = {}
    for door in named:
        document = documents[door.service]
        body = _BODIES.get(str(door)) or smallest_body(document, document["paths"][door.path][door.method.lower()])
        answers[str(door)] = knock(stranger, door, ids, body)
    found = {str(door): knock(company.owner, door, ids)[0] for door in named if door.method == "GET"}

    assert unknown == set()
    assert {name: answer for name, answer in answers.items() if answer != (404, "not_found")} == {}
    assert {name: status for name, status in found.items() if status != 200 and name not in _ABSENT} == {}
