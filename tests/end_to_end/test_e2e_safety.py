"""Who may do what: accounts apart, keys, permissions, hostile content."""

import pytest

from end_to_end.caller import Caller, problem_of
from end_to_end.company import Company, Json
from end_to_end.mail import Mail
from end_to_end.routes import EVERY_SERVICE
from end_to_end.system import RunningSystem


@pytest.fixture(scope="module")
def ticket(shared_company: Company) -> Json:
    """A ticket of the shared account, with an answer."""
    customer = shared_company.customer()
    ticket = shared_company.settled(shared_company.opened_by_mail(customer))
    shared_company.reply_and_get_mail(ticket["id"], customer)
    shared_company.delivery(ticket["id"], "sent")
    return ticket


@pytest.fixture(scope="module")
def stranger(system: RunningSystem) -> Company:
    """Another account."""
    return system.company()


TICKET_REQUESTS: list[tuple[str, str, Json | None]] = [
    ("GET", "", None),
    ("GET", "/messages", None),
    ("GET", "/events", None),
    ("GET", "/decisions", None),
    ("POST", "/messages", {"text": "Hello"}),
    ("POST", "/notes", {"text": "Hello"}),
    ("PUT", "/assignee", {"agent_id": None}),
    ("PUT", "/tags", {"tags": []}),
    ("POST", "/close", None),
    ("POST", "/reopen", None),
    ("POST", "/snooze", {"until": "2099-01-01T00:00:00Z"}),
    ("POST", "/read", None),
    ("POST", "/unread", None),
]


@pytest.mark.parametrize(("method", "path", "body"), TICKET_REQUESTS, ids=[f"{m} {p}" for m, p, _ in TICKET_REQUESTS])
def test_another_accounts_ticket_is_not_there(
    stranger: Company, shared_company: Company, ticket: Json, method: str, path: str, body: Json | None
) -> None:
    """Whatever is asked about a ticket of another account, it is not found, and stays as it was (S4)."""
    before = shared_company.ticket(ticket["id"])
    problem = stranger.owner.refused(method, f"/v1/tickets/{ticket['id']}{path}", body)

    assert (problem.status, problem.code) == (404, "not_found")
    assert shared_company.ticket(ticket["id"]) == before


def test_nothing_of_another_account_is_there(stranger: Company, shared_company: Company, ticket: Json) -> None:
    """Contacts, agents, teams, schedules, macros, keys and webhooks of another account are 404 and in no list (S4)."""
    company = shared_company
    made = {
        "/v1/teams": company.owner.post("/v1/teams", {"name": "Ours"})["id"],
        "/v1/schedules": company.owner.post("/v1/schedules", {"name": "Ours", "zone": "UTC"})["id"],
        "/v1/macros": company.owner.post("/v1/macros", {"name": "Ours", "text": "Hello"})["id"],
        "/v1/webhooks": company.owner.post(
            "/v1/webhooks", {"url": "https://ours.example", "events": ["support.ticket.*"]}
        )["id"],
        "/v1/agents": company.owner_id,
        "/v1/contacts": ticket["contact"]["id"],
    }
    answers = {path: stranger.owner.send("GET", f"{path}/{an_id}").status_code for path, an_id in made.items()}
    lists = {path: {one["id"] for one in stranger.owner.everything(path)} for path in made}
    key = company.owner.everything("/v1/api-keys")[0]["id"]

    company.owner.delete(f"/v1/webhooks/{made['/v1/webhooks']}")

    assert answers == dict.fromkeys(made, 404)
    assert not [path for path, an_id in made.items() if an_id in lists[path]]
    assert stranger.owner.refused("DELETE", f"/v1/api-keys/{key}").status == 404
    assert stranger.owner.get("/v1/tickets", status="any")["items"] == []
    assert stranger.owner.get("/v1/intake")["items"] == []
    assert stranger.owner.get("/v1/deliveries")["items"] == []


@pytest.mark.parametrize("path", EVERY_SERVICE)
def test_without_a_valid_key_nobody_comes_in(system: RunningSystem, path: str) -> None:
    """No key, a wrong one, and another scheme are each 401 on every service (S2)."""
    codes = [
        problem_of(system.client.get(path, headers=headers))
        for headers in ({}, {"Authorization": "Bearer dbk_wrong"}, {"Authorization": "Basic b3duZXI6eA=="})
    ]

    assert [(one.status, one.code) for one in codes] == [(401, "unauthenticated")] * 3


def test_roles_have_their_limits(shared_company: Company) -> None:
    """Support answers tickets, and neither hires, sets, nor makes keys and webhooks (S1)."""
    support = shared_company.agent(role="support").api
    forbidden = [
        support.refused(
            "POST", "/v1/agents", {"name": "X", "email": "x@x.example", "role": "support", "password": "y" * 12}
        ),
        support.refused("PATCH", "/v1/settings/email", {}),
        support.refused("POST", "/v1/api-keys", {"name": "mine", "scopes": ["*"]}),
        support.refused("GET", "/v1/webhooks"),
        support.refused("POST", "/v1/teams", {"name": "Mine"}),
        support.refused("POST", "/v1/events", {}),
    ]

    assert {(one.status, one.code) for one in forbidden} == {(403, "forbidden")}
    assert support.get("/v1/tickets")["items"] is not None


def test_a_key_may_what_its_scopes_say(shared_company: Company, ticket: Json) -> None:
    """A key scoped to reading reads, and does not write (S2)."""
    key = shared_company.owner.post("/v1/api-keys", {"name": "reader", "scopes": ["tickets:read"]})
    reader = Caller(shared_company.owner.client, key["key"])
    writing = reader.refused("POST", f"/v1/tickets/{ticket['id']}/notes", {"text": "Hello"})
    reporting = reader.refused("GET", "/v1/reports/volume")
    unknown = shared_company.owner.refused("POST", "/v1/api-keys", {"name": "all", "scopes": ["tickets:everything"]})

    assert reader.get(f"/v1/tickets/{ticket['id']}")["id"] == ticket["id"]
    assert [(one.status, one.code) for one in (writing, reporting)] == [(403, "forbidden")] * 2
    assert unknown.status == 422


def test_html_of_a_mail_is_made_harmless(shared_company: Company) -> None:
    """Scripts, event handlers, forms and javascript links of a mail are gone; its text and emphasis stay (S4, X6)."""
    company = shared_company
    customer = company.customer()
    html = (
        "<html><body onload=alert(1)><p>Hello <b>there</b></p><script>alert(2)</script>"
        '<img src=x onerror=alert(3)><a href="javascript:alert(4)">click</a><iframe src="//evil.example"></iframe>'
        "<form action=//evil.example><input name=password></form></body></html>"
    )
    mail = Mail(customer, company.support)
    content = mail.content().split(b"\r\n\r\n", 1)[0].replace(b"text/plain", b"text/html") + b"\r\n\r\n" + html.encode()
    company.deliver(customer, content)
    (message,) = company.messages(company.ticket_of(mail.message_id)["id"])
    shown = message["html"].lower()

    assert "<b>there</b>" in shown
    assert not [
        bad for bad in ("<script", "onload", "onerror", "javascript:", "<iframe", "<form", "<input") if bad in shown
    ]
    assert "alert(2)" not in message["text"]


def test_a_subject_cannot_smuggle_headers_into_our_reply(shared_company: Company) -> None:
    """Line breaks hidden in a customer's subject do not become headers of the reply (S4)."""
    company = shared_company
    customer = company.customer()
    mail = Mail(customer, company.support, subject="PLACEHOLDER")
    content = mail.content().replace(b"PLACEHOLDER", b"=?utf-8?q?Hi=0D=0ABcc=3A_evil=40evil.example?=")
    company.deliver(customer, content)
    ticket = company.ticket_of(mail.message_id)
    reply = company.reply_and_get_mail(ticket["id"], customer)

    assert "\n" not in ticket["subject"]
    assert reply["Bcc"] is None
    assert company.relay.mails_to("evil@evil.example") == []
