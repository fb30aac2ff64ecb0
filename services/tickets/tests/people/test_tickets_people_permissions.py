from itertools import pairwise
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute

from contracts.people import Role
from service_kit.auth import ROLE_PERMISSIONS, Permission

PASSWORD = "correct horse battery"
ROLES: tuple[Role, ...] = get_args(Role)
EVERYBODY: set[str] = set(ROLES)
ADMINS = {"owner", "admin"}
MANAGERS = ADMINS | {"manager"}

# Who gets past the door of each route; hand-written, so that a change of the table in the kit shows here.
MAY: dict[tuple[str, str], set[str]] = {
    ("GET", "/v1/sessions"): EVERYBODY,
    ("DELETE", "/v1/sessions"): EVERYBODY,
    ("DELETE", "/v1/sessions/current"): EVERYBODY,
    ("GET", "/v1/agents"): EVERYBODY,
    ("POST", "/v1/agents"): ADMINS,
    ("GET", "/v1/agents/me"): EVERYBODY,
    ("PATCH", "/v1/agents/me"): EVERYBODY,
    ("GET", "/v1/agents/{agent_id}"): EVERYBODY,
    ("PATCH", "/v1/agents/{agent_id}"): ADMINS,
    ("DELETE", "/v1/agents/{agent_id}"): ADMINS,
    ("DELETE", "/v1/agents/{agent_id}/sessions"): ADMINS,
    ("POST", "/v1/agents/me/totp"): EVERYBODY,
    ("POST", "/v1/agents/me/totp/confirm"): EVERYBODY,
    ("DELETE", "/v1/agents/me/totp"): EVERYBODY,
    ("DELETE", "/v1/agents/{agent_id}/totp"): ADMINS,
    ("GET", "/v1/audit"): ADMINS,
    ("GET", "/v1/api-keys"): ADMINS,
    ("POST", "/v1/api-keys"): ADMINS,
    ("DELETE", "/v1/api-keys/{key_id}"): ADMINS,
    ("GET", "/v1/macros"): EVERYBODY,
    ("POST", "/v1/macros"): MANAGERS,
    ("GET", "/v1/macros/categories"): EVERYBODY,
    ("GET", "/v1/macros/variables"): EVERYBODY,
    ("GET", "/v1/macros/{macro_id}"): EVERYBODY,
    ("PATCH", "/v1/macros/{macro_id}"): MANAGERS,
    ("DELETE", "/v1/macros/{macro_id}"): MANAGERS,
    ("POST", "/v1/events"): MANAGERS,
    ("GET", "/v1/settings/account"): EVERYBODY,
    ("PATCH", "/v1/settings/account"): ADMINS,
    ("GET", "/v1/settings/tickets"): EVERYBODY,
    ("PATCH", "/v1/settings/tickets"): ADMINS,
}
OPEN = {("POST", "/v1/sessions")}


def routes(people: Any) -> set[tuple[str, str]]:
    """Every route of people, as method and path."""
    found = [route for router in people.parts.routers for route in router.routes if isinstance(route, APIRoute)]
    return {(method, route.path) for route in found for method in route.methods or ()}


async def test_every_route_is_in_the_table(people: Any) -> None:
    """A route that nobody has thought about fails here (S1)."""
    assert routes(people) == set(MAY) | OPEN


async def test_every_prefix_is_served(people: Any) -> None:
    """Whoever composes the origin must find each route under one of the prefixes."""
    assert all(path.startswith(people.parts.prefixes) for _, path in routes(people))


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_what_the_table_says(people: Any, role: Role) -> None:
    """Past the door a request may still be wrong; at the door it is 403 and nothing else (S1)."""
    await people.add_agent(role=role)
    answers = {
        # A new session each: the first of the table signs out.
        (method, path): (await people.ask(await people.token("ann@acme.example"), method, _concrete(path), json=None))
        for method, path in MAY
    }
    refused = {route for route, answer in answers.items() if answer.status_code == 403}

    assert refused == {route for route, roles in MAY.items() if role not in roles}
    assert all(answer.json()["code"] == "forbidden" for answer in answers.values() if answer.status_code == 403)


async def test_nobody_enters_without_a_credential(people: Any) -> None:
    """Every route but signing in asks who is there."""
    answers = [await people.ask("ses_unknown", method, _concrete(path)) for method, path in MAY]

    assert {answer.status_code for answer in answers} == {401}


def test_roles_rise() -> None:
    """Who ranks higher may everything that those below may."""
    rising: list[Role] = ["support", "manager", "admin", "owner"]
    granted = [ROLE_PERMISSIONS[role] for role in rising]

    assert granted == sorted(granted, key=len)
    assert all(lower <= higher for lower, higher in pairwise(granted))
    assert ROLE_PERMISSIONS["owner"] == frozenset(Permission)


def _concrete(path: str) -> str:
    return path.replace("{agent_id}", "nobody").replace("{key_id}", "none").replace("{macro_id}", "none")
