"""The audit log, logging out everywhere and the second factor, as an outsider uses them."""

import time
from typing import Any

import pyotp
import pytest

from contracts.settings import AREA_OWNERS, Area
from end_to_end.caller import Caller
from end_to_end.company import PASSWORD, Company
from end_to_end.routes import EVERY_SERVICE
from end_to_end.until import until

# A settings area of each service that owns one, a harmless patch, and the names in it.
PATCHES: dict[Area, tuple[dict[str, Any], str]] = {
    "account": ({"prefix": "ACME"}, "prefix"),
    "tickets": ({"unread_badge": False}, "unread_badge"),
    "assignment": ({"assign_backlog_on_open": False}, "assign_backlog_on_open"),
    "email": ({"mailgun": {"signing_key": "a-secret-signing-key"}}, "mailgun.signing_key"),
    "sms": ({"link_shortening": False}, "link_shortening"),
    "chat": ({"identity_secret": "a-secret-of-the-site"}, "identity_secret"),
    "notifications": ({"new_sms_email": True}, "new_sms_email"),
}


def entries(company: Company, count: int, **query: Any) -> list[dict[str, Any]]:
    """The log, newest first, once it has so many entries."""
    return until(lambda: found if len(found := company.owner.everything("/v1/audit", **query)) >= count else [])


def settings_told(company: Company) -> dict[Area, dict[str, Any]]:
    """The entry of each area that names what its patch gave; making the account changed some areas before."""
    found = company.owner.everything("/v1/audit", action="settings.changed", actor=company.owner_id)
    return {entry["target_id"]: entry for entry in found if entry["fields"] == [PATCHES[entry["target_id"]][1]]}


def test_settings_of_every_service_are_in_the_log(company: Company) -> None:
    """Whichever service owns an area: who changed which fields, from where, and not what to (S3)."""
    for area, (patch, _) in PATCHES.items():
        company.owner.patch(f"/v1/settings/{area}", patch)

    found = until(lambda: told if len(told := settings_told(company)) == len(PATCHES) else {})

    assert {area: entry["service"] for area, entry in found.items()} == {area: AREA_OWNERS[area] for area in PATCHES}
    assert {entry["source_address"] for entry in found.values()} == {"127.0.0.1"}
    assert {entry["outcome"] for entry in found.values()} == {"done"}
    assert "a-secret" not in str(found)


def test_what_other_services_keep_is_in_the_log(company: Company) -> None:
    """Teams, schedules and webhooks are made, changed and removed with an entry each (S3)."""
    made = {
        "team": ("/v1/teams", {"name": "T"}, {"name": "U"}),
        "schedule": ("/v1/schedules", {"name": "S", "zone": "UTC"}, {"name": "R"}),
        "webhook": ("/v1/webhooks", {"url": "https://a.example/b", "events": ["support.ticket.*"]}, {"active": False}),
    }
    ids = {}
    for what, (path, body, change) in made.items():
        ids[what] = company.owner.post(path, body)["id"]
        company.owner.patch(f"{path}/{ids[what]}", change)
        company.owner.delete(f"{path}/{ids[what]}")

    for what, thing_id in ids.items():
        found = entries(company, 3, target=thing_id)
        assert {entry["action"] for entry in found} == {f"{what}.created", f"{what}.changed", f"{what}.deleted"}


def test_exports_of_reports_and_the_beginning_are_in_the_log(shared_company: Company) -> None:
    """Who took a report away as CSV is in the log, and that the account was created; reading one is not (S3, R4)."""
    shared_company.owner.get("/v1/reports/volume")
    before = shared_company.owner.everything("/v1/audit", action="report.exported")
    shared_company.owner.send("GET", "/v1/reports/first-response.csv")
    exported = entries(shared_company, 1, action="report.exported")
    (created,) = shared_company.owner.everything("/v1/audit", action="account.created")

    assert before == []
    assert [(entry["target_id"], entry["service"]) for entry in exported] == [("first-response", "reporting")]
    assert created["target_id"] == shared_company.account_id


@pytest.mark.parametrize("by_admin", [False, True], ids=["by oneself", "by an admin"])
def test_logging_out_everywhere_holds_in_every_service_within_a_second(
    shared_company: Company,
    by_admin: bool,  # noqa: FBT001 - a table
) -> None:
    """All sessions of an agent end in every service at once, and the log says who ended them (S2, S3)."""
    company = shared_company
    agent = company.agent(role="admin")
    sessions = [company.sign_in(agent.email) for _ in range(2)]
    listed = sessions[0].get("/v1/sessions")["items"]
    before = [session.send("GET", path).status_code for session in sessions for path in EVERY_SERVICE]
    began = time.monotonic()
    if by_admin:
        company.owner.delete(f"/v1/agents/{agent.id}/sessions")
    else:
        sessions[0].delete("/v1/sessions")
    after = [session.send("GET", path).status_code for session in sessions for path in EVERY_SERVICE]
    took = time.monotonic() - began
    (entry,) = entries(company, 1, action="agent.sessions_ended", target=agent.id)

    assert len(listed) == 2
    assert (set(before), set(after)) == ({200}, {401})
    assert took < 2  # the second of S2, and what a busy machine adds to sixteen requests
    assert entry["actor"]["id"] == (company.owner_id if by_admin else agent.id)


def test_a_second_factor_is_asked_for_and_used_up(shared_company: Company) -> None:
    """Turned on with an authenticator, signing in needs a code that was not used, or one to recover with (S2)."""
    company = shared_company
    email = company.agent().email
    session = company.sign_in(email)
    secret = session.post("/v1/agents/me/totp")["secret"]
    code = pyotp.TOTP(secret).now()
    recovery = session.post("/v1/agents/me/totp/confirm", {"code": code})["recovery_codes"]
    stranger = Caller(company.owner.client)
    given = {"email": email, "password": PASSWORD}
    without = stranger.refused("POST", "/v1/sessions", given)
    used = stranger.refused("POST", "/v1/sessions", {**given, "totp": code})
    started = stranger.post("/v1/sessions", {**given, "totp": recovery[0]})
    again = stranger.refused("POST", "/v1/sessions", {**given, "totp": recovery[0]})

    assert [(one.status, one.code) for one in (without, used, again)] == [
        (401, "totp_required"),
        (401, "totp_wrong"),
        (401, "totp_wrong"),
    ]
    assert Caller(company.owner.client, started["token"]).get("/v1/agents/me")["totp_enabled"] is True
