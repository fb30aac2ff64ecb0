"""Every route of every service asks for one permission, or says here why it asks for less (S1)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args

import pytest
from fastapi import Depends, FastAPI

from contracts.audit import AuditAction
from permissions.doors import Door, doors_of, every_door
from service_kit.auth import Authenticated, Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.service import Service

PROBES = {"/healthz", "/readyz", "/metrics"}

# Open to strangers, each because nobody could have a credential there, or because it proves itself otherwise.
OPEN = {
    "POST /v1/sessions": "signing in",
    "POST /v1/email/mailgun/inbound": "the provider's signature",
    "POST /v1/email/mailgun/inbound/mime": "the provider's signature",
    "POST /v1/email/sendgrid/inbound": "the provider's signature",
    "POST /v1/email/postmark/inbound": "the provider's credentials or address",
    "POST /v1/sms/twilio/inbound": "the provider's signature",
    "POST /v1/sms/twilio/status": "the provider's signature",
    "GET /s/{code}": "short links are for customers",
    "GET /widget.js": "the widget is for customers",
    "GET /widget-demo": "the widget is for customers",
    "GET /u/{token}": "the signed link of a mail",
    "POST /u/{token}": "the signed link of a mail",
}

# Whoever has a credential may, because it is about themselves.
OWN = {
    "GET /v1/agents/me",
    "PATCH /v1/agents/me",
    "POST /v1/agents/me/totp",
    "POST /v1/agents/me/totp/confirm",
    "DELETE /v1/agents/me/totp",
    "GET /v1/sessions",
    "DELETE /v1/sessions",
    "DELETE /v1/sessions/current",
}

# Permissions to manage something: what is done with them is a settings, security or data action.
MANAGING = {
    Permission.AGENTS_MANAGE,
    Permission.TEAMS_MANAGE,
    Permission.SETTINGS_MANAGE,
    Permission.MACROS_WRITE,
    Permission.WEBHOOKS_MANAGE,
    Permission.KEYS_MANAGE,
    Permission.MESSAGES_REDACT,
    Permission.CONTACTS_ERASE,
}
NOT_AUDITED: dict[str, str] = {}


@pytest.fixture
async def doors(tmp_path: Path) -> list[Door]:
    """Every route of every service but the probes."""
    return [door for door in await every_door(tmp_path) if door.path not in PROBES]


def flaws(door: Door) -> Iterator[str]:
    """What is wrong with who may pass a door."""
    name = str(door)
    if name in OPEN:
        if door.permissions or door.needs_credential:
            yield f"{name} is listed as open and asks for a credential"
    elif name in OWN:
        if door.permissions or not door.needs_credential:
            yield f"{name} is listed as one's own, which needs a credential and no permission"
    elif len(door.permissions) != 1:
        yield f"{name} of {door.service} asks for {len(door.permissions)} permissions, not one"
    if door.is_write and set(door.permissions) & MANAGING and door.action is None and name not in NOT_AUDITED:
        yield f"{name} of {door.service} manages something and is not audited"


async def test_every_route_asks_for_one_permission(doors: list[Door]) -> None:
    """A new route without a permission, or one that manages something and is not in the audit log, fails (S1, S3)."""
    found = [flaw for door in doors for flaw in flaws(door)]

    assert len(doors) > 80
    assert found == []


async def test_the_exceptions_exist(doors: list[Door]) -> None:
    """A list of exceptions with routes that are gone would excuse the next route of that name."""
    names = {str(door) for door in doors}

    assert {name for name in {*OPEN, *OWN, *NOT_AUDITED} if name not in names} == set()


async def test_every_action_is_used(doors: list[Door]) -> None:
    """The log's list of actions is closed: each route uses one of it, and the rest is entered by resumed work."""
    used = {door.action for door in doors if door.action is not None}

    assert used <= set(get_args(AuditAction))
    assert used >= {"settings.changed", "agent.created", "team.created", "webhook.created", "totp.enabled"}


def test_flawed_routes_are_noticed() -> None:
    """The gate above can fire: no credential, no permission, two of them, no entry in the log (S1)."""
    api = FastAPI()
    one, two = requires(Permission.TEAMS_MANAGE), requires(Permission.AUDIT_READ)

    @api.get("/naked")
    async def naked() -> None: ...

    @api.get("/anybody")
    async def anybody(_: Authenticated) -> None: ...

    @api.get("/both")
    async def both(_: Annotated[Principal, Depends(one)], __: Annotated[Principal, Depends(two)]) -> None: ...

    @api.post("/silent")
    async def silent(_: Annotated[Principal, Depends(one)]) -> None: ...

    @api.post("/good")
    async def good(_: Annotated[Principal, Depends(one)], __: Annotated[Act, audited("team.changed")]) -> None: ...

    made = {door.path: list(flaws(door)) for door in doors_of(Service("test", api, ())) if door.method != "HEAD"}
    opened = replace(next(iter(doors_of(Service("test", api, ())))), method="POST", path="/v1/sessions")

    assert {path for path, found in made.items() if found} == {"/naked", "/anybody", "/both", "/silent"}
    assert made["/silent"] == ["POST /silent of test manages something and is not audited"]
    assert list(flaws(replace(opened, needs_credential=True))) == [
        "POST /v1/sessions is listed as open and asks for a credential"
    ]
