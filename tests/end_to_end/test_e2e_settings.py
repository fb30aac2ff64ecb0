"""Settings of every area: merge patches, secrets, and what cannot be."""

import pytest

from end_to_end.company import Company, Json, new_phone
from end_to_end.twilio import AUTH_TOKEN

AREAS: dict[str, set[str]] = {
    "account": {"name", "zone", "language", "prefix", "support_email"},
    "tickets": {"reopen_preset", "unread_badge"},
    "assignment": {"round_robin", "strategy", "schedule_id", "assign_backlog_on_open"},
    "email": {"addresses"},
    "sms": {
        "numbers",
        "signature_mode",
        "api_base_url",
        "auto_responder",
        "keywords",
        "link_shortening",
        "attribution_hours",
    },
    "chat": {
        "origins",
        "schedule_id",
        "support_address",
        "in_hours_text",
        "out_of_hours_text",
        "follow_up_after_seconds",
    },
    "notifications": {"new_sms_email"},
}


@pytest.mark.parametrize("area", AREAS)
def test_every_area_is_there_from_the_start(shared_company: Company, area: str) -> None:
    """A fresh account has every area with its members; an empty patch changes nothing."""
    before = shared_company.owner.get(f"/v1/settings/{area}")

    assert before.keys() >= AREAS[area]
    assert shared_company.owner.patch(f"/v1/settings/{area}", {}) == before


def test_a_fresh_account_answers_at_once(company: Company) -> None:
    """Round robin is on, always open, one default team with everybody, alerts off, links short (A2, A4, M7, M8)."""
    agent = company.agent()
    assignment = company.owner.get("/v1/settings/assignment")
    sms = company.owner.get("/v1/settings/sms")
    (team,) = company.owner.get("/v1/teams")["items"]

    assert (assignment["round_robin"], assignment["schedule_id"]) == (True, None)
    assert assignment["assign_backlog_on_open"] is True
    assert company.owner.get("/v1/settings/notifications")["new_sms_email"] is False
    assert company.owner.get("/v1/settings/tickets")["reopen_preset"] == "guide"
    assert (sms["signature_mode"], sms["link_shortening"], sms["attribution_hours"]) == ("enforce", True, 24)
    assert sms["auto_responder"]["mode"] == "non_consented"
    assert company.owner.get("/v1/settings/chat")["follow_up_after_seconds"] == 180
    assert team["is_default"] is True
    assert set(team["member_ids"]) == {company.owner_id, agent.id}


@pytest.mark.parametrize("area", AREAS)
def test_an_unknown_member_is_refused(shared_company: Company, area: str) -> None:
    """A typing error never passes silently: 422, and nothing changes."""
    before = shared_company.owner.get(f"/v1/settings/{area}")
    problem = shared_company.owner.refused("PATCH", f"/v1/settings/{area}", {"colour": "red"})

    assert problem.status == 422
    assert "colour" in str(problem.document)
    assert shared_company.owner.get(f"/v1/settings/{area}") == before


@pytest.mark.parametrize(
    ("area", "patch"),
    [
        ("account", {"zone": "Mars/Olympus"}),
        ("account", {"language": "klingon"}),
        ("tickets", {"reopen_preset": "never"}),
        ("assignment", {"round_robin": "perhaps"}),
        ("assignment", {"schedule_id": "sch_of_nobody"}),
        ("email", {"addresses": {"not an address": {}}}),
        ("sms", {"numbers": {"ACME": {"provider": "twilio"}}}),
        ("sms", {"attribution_hours": 0}),
        ("chat", {"follow_up_after_seconds": 0}),
        ("chat", {"origins": "everywhere"}),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_refused(shared_company: Company, area: str, patch: Json) -> None:
    """Values out of bounds, things that are not there, and sender ids that cannot receive are 422 (M9, S4)."""
    before = shared_company.owner.get(f"/v1/settings/{area}")
    problem = shared_company.owner.refused("PATCH", f"/v1/settings/{area}", patch)

    assert problem.status == 422
    assert shared_company.owner.get(f"/v1/settings/{area}") == before


def test_a_merge_patch_changes_what_it_names(shared_company: Company) -> None:
    """Members named change, null removes one of a map, the rest stays (RFC 7396)."""
    owner, domain = shared_company.owner, shared_company.support.partition("@")[2]
    sales, help_ = f"sales@{domain}", f"help@{domain}"
    owner.patch("/v1/settings/email", {"addresses": {sales: {"from_name": "Sales"}, help_: {"signature": "Bye"}}})
    owner.patch("/v1/settings/email", {"addresses": {sales: {"signature": "Yours"}}})
    removed = owner.patch("/v1/settings/email", {"addresses": {help_: None}})

    assert removed["addresses"][sales] == {"from_name": "Sales", "signature": "Yours"}
    assert help_ not in removed["addresses"]
    assert shared_company.support in removed["addresses"]


def test_a_new_address_takes_mail_and_signs(company: Company) -> None:
    """A second support address takes mail as soon as the patch is answered, and replies leave from it, signed (X8)."""
    address = f"returns@{company.support.partition('@')[2]}"
    signature = {"from_name": "Returns", "signature": "The returns team"}
    company.set("email", {"addresses": {address: signature}})
    customer = company.customer()
    ticket = company.opened_by_mail(customer, recipient=address)
    reply = company.reply_and_get_mail(ticket["id"], customer, "Send it back.")

    assert str(reply["From"]) == f"Returns <{address}>"
    assert reply.get_body(("plain",)).get_content().rstrip().endswith("The returns team")


def test_secrets_are_never_shown_and_survive_a_patch(company: Company) -> None:
    """Tokens are in no answer; a patch that does not name them keeps them (S2)."""
    number = company.use_number()
    company.owner.patch("/v1/settings/chat", {"identity_secret": "the-secret-of-the-site"})
    patched = company.owner.patch("/v1/settings/sms", {"numbers": {number: {"account_sid": "AC2"}}})
    shown = [company.owner.get(f"/v1/settings/{area}") for area in ("sms", "chat")]
    verdict = company.verdict(company.sms(new_phone(), number, "Still signed with the old token"))

    assert patched["numbers"][number]["account_sid"] == "AC2"
    assert AUTH_TOKEN not in str([patched, *shown])
    assert "the-secret-of-the-site" not in str(shown)
    assert verdict["verdict"] == "created"


def test_addresses_and_numbers_are_unique_over_all_accounts(shared_company: Company, company: Company) -> None:
    """What another account uses is refused with 409 until that one gives it up."""
    number = shared_company.use_number()
    theirs = {"provider": "twilio", "auth_tokens": ["x"]}
    address = company.owner.refused("PATCH", "/v1/settings/email", {"addresses": {shared_company.support: {}}})
    sms = company.owner.refused("PATCH", "/v1/settings/sms", {"numbers": {number: theirs}})
    shared_company.owner.patch("/v1/settings/sms", {"numbers": {number: None}})
    taken_over = company.owner.patch("/v1/settings/sms", {"numbers": {number: theirs}})

    assert [one.status for one in (address, sms)] == [409, 409]
    assert shared_company.support not in company.owner.get("/v1/settings/email")["addresses"]
    assert number in taken_over["numbers"]


def test_macros_are_kept(shared_company: Company) -> None:
    """Macros are created, listed, changed and removed (N2)."""
    owner = shared_company.owner
    macro = owner.post("/v1/macros", {"name": "Greeting", "text": "Hello {{ contact.name }}", "category": "first"})
    changed = owner.patch(f"/v1/macros/{macro['id']}", {"category": None})
    listed = [one["id"] for one in owner.everything("/v1/macros")]
    owner.delete(f"/v1/macros/{macro['id']}")

    assert owner.refused("GET", f"/v1/macros/{macro['id']}").status == 404
    assert (macro["category"], changed["category"], changed["text"]) == ("first", None, "Hello {{ contact.name }}")
    assert macro["id"] in listed


def test_schedules_are_kept_in_versions(shared_company: Company) -> None:
    """A schedule with past-midnight hours, whole days and exceptions is kept as given; changes make versions (H1)."""
    owner = shared_company.owner
    body = {
        "name": "Paris",
        "zone": "Europe/Paris",
        "weekly": {
            "mon": [["09:00", "12:00"], ["13:00", "17:00"]],
            "fri": [["22:00", "02:00"]],
            "sun": [["00:00", "24:00"]],
        },
        "exceptions": [{"date": "2026-12-25", "intervals": []}],
    }
    made = owner.post("/v1/schedules", body)
    changed = owner.patch(f"/v1/schedules/{made['id']}", {"zone": "Europe/Rome"})
    versions = owner.get(f"/v1/schedules/{made['id']}/versions")["items"]
    senseless = owner.refused("POST", "/v1/schedules", {**body, "weekly": {"mon": [["25:00", "26:00"]]}})
    owner.delete(f"/v1/schedules/{made['id']}")

    assert {name: made[name] for name in ("name", "zone", "weekly")} == {
        name: body[name] for name in ("name", "zone", "weekly")
    }
    assert [(one["date"], one["intervals"]) for one in made["exceptions"]] == [("2026-12-25", [])]
    assert changed["zone"] == "Europe/Rome"
    assert changed["weekly"] == made["weekly"]
    assert len(versions) == 2
    assert senseless.status == 422
    assert owner.refused("GET", f"/v1/schedules/{made['id']}").status == 404
