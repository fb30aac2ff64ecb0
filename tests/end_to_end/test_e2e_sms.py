"""SMS through Twilio: signed webhooks in, its REST API out."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from end_to_end.company import Company, Json, new_phone
from end_to_end.system import RunningSystem
from end_to_end.twilio import ACCOUNT_SID, AUTH_TOKEN, UNREACHABLE, call, inbound_form, new_sid
from end_to_end.until import until


@pytest.fixture(scope="module")
def number(shared_company: Company) -> str:
    """The SMS number of the shared account."""
    return shared_company.use_number()


def consent(company: Company, phone: str) -> None:
    """A customer agreed elsewhere to get SMS about their orders."""
    company.report("support.contact.updated.v1", contact={"phone": phone}, consent={"sms": {"transactional": True}})
    until_said(company, phone, "transactional")


def until_said(company: Company, phone: str, consent: str) -> None:
    """Returns when the contact of a number is known to have said that."""
    until(lambda: any(one["sms_consent"].get(phone, {}).get(consent) for one in contacts(company, phone)))


def contacts(company: Company, phone: str) -> list[Json]:
    """The contacts that have a phone number."""
    found: list[Json] = company.owner.get("/v1/contacts", q=phone)["items"]
    return [one for one in found if phone in one["phones"]]


def sent_to(company: Company, phone: str, count: int = 1) -> list[Any]:
    """What Twilio was asked to send to a number."""
    return company.twilio.wait_for(lambda request: request.form.get("To") == phone, count)


def test_all_messages_of_a_person_are_one_ticket(shared_company: Company, number: str) -> None:
    """The first SMS opens a ticket, the next joins it, and after closing one reopens it (M3)."""
    company, phone = shared_company, new_phone()
    first = company.verdict(company.sms(phone, number, "Are you open?"))
    second = company.verdict(company.sms(phone, number, "And tomorrow?"))
    company.owner.post(f"/v1/tickets/{first['ticket_id']}/close")
    third = company.verdict(company.sms(phone, number, "Still there?"))
    ticket = company.ticket(first["ticket_id"])

    assert [one["verdict"] for one in (first, second, third)] == ["created", "appended", "reopened"]
    assert {one["ticket_id"] for one in (first, second, third)} == {ticket["id"]}
    assert (ticket["channel"], ticket["contact"]["phone"], ticket["cycle"]) == ("sms", phone, 2)
    assert first["mailbox"] == number


def test_a_redelivered_webhook_is_a_duplicate(shared_company: Company, number: str) -> None:
    """The same SID twice is one message, and each delivery has its verdict (I2, I4)."""
    company, phone, sid = shared_company, new_phone(), new_sid()
    company.sms(phone, number, "Once", sid=sid)
    first = company.verdict(sid)
    company.sms(phone, number, "Once", sid=sid)
    entries = company.verdicts(sid, 2)

    assert sorted(one["verdict"] for one in entries) == ["created", "duplicate"]
    assert len(company.messages(first["ticket_id"])) == 1


def test_a_reply_leaves_by_the_rest_api_and_its_receipt_updates_the_message(
    shared_company: Company, number: str
) -> None:
    """With consent a reply is posted to Twilio from our number; its status callback makes it delivered (M5, M11)."""
    company, phone = shared_company, new_phone()
    ticket = company.ticket_of(company.sms(phone, number, "Where is it?"))
    consent(company, phone)
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "On its way"})
    (request,) = sent_to(company, phone)
    company.delivery(ticket["id"], "sent")
    receipt = {"MessageSid": new_sid(), "MessageStatus": "delivered", "From": number, "To": phone}
    answer = call(company.owner.client, request.form["StatusCallback"], receipt)
    company.delivery(ticket["id"], "delivered")
    login = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()

    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert request.headers["authorization"] == f"Basic {login}"
    assert (request.form["From"], request.form["Body"]) == (number, "On its way")
    assert answer.status_code == 204
    assert "support.ticket.delivery_updated.v1" in [event["type"] for event in company.events(ticket["id"])]


def test_a_failed_receipt_shows_its_code(shared_company: Company, number: str) -> None:
    """A receipt `undelivered` with an error code makes the message failed with that code (M11)."""
    company, phone = shared_company, new_phone()
    ticket = company.ticket_of(company.sms(phone, number, "Hello"))
    consent(company, phone)
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello yourself"})
    (request,) = sent_to(company, phone)
    receipt = {
        "MessageSid": new_sid(),
        "MessageStatus": "undelivered",
        "ErrorCode": "30003",
        "From": number,
        "To": phone,
    }
    call(company.owner.client, request.form["StatusCallback"], receipt)
    delivery = company.delivery(ticket["id"], "failed")

    assert "30003" in delivery["reason"]


def test_a_refusal_by_the_provider_makes_the_reply_failed(shared_company: Company, number: str) -> None:
    """What Twilio will never send is failed, with Twilio's code, and is not tried again (M11, I8)."""
    company = shared_company
    ticket = company.ticket_of(company.sms(UNREACHABLE, number, "Hello"))
    consent(company, UNREACHABLE)
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello yourself"})
    delivery = company.delivery(ticket["id"], "failed")

    assert "21211" in delivery["reason"]


def test_the_answer_leaves_from_the_number_last_written_to(company: Company) -> None:
    """A customer who changes to our other number is answered from that one, in the same ticket (M3)."""
    first, second, phone = company.use_number(), company.use_number(), new_phone()
    ticket = company.ticket_of(company.sms(phone, first, "One"))
    again = company.ticket_of(company.sms(phone, second, "Two"))
    consent(company, phone)
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Three"})
    (request,) = sent_to(company, phone)

    assert again["id"] == ticket["id"]
    assert request.form["From"] == second


def test_a_customer_without_consent_cannot_be_answered(shared_company: Company, number: str) -> None:
    """A reply to somebody who never agreed is refused with 409 `no_sms_consent`, and nothing is sent (M5)."""
    company, phone = shared_company, new_phone()
    ticket = company.ticket_of(company.sms(phone, number, "Hello?"))
    problem = company.owner.refused("POST", f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello"})

    assert (problem.status, problem.code) == (409, "no_sms_consent")
    assert [one["kind"] for one in company.messages(ticket["id"])] == ["inbound"]


@pytest.mark.parametrize("word", ["STOP", "stop.", "Unsubscribe", "ARRET"])
def test_stop_ends_consent_and_makes_no_ticket(shared_company: Company, number: str, word: str) -> None:
    """A STOP word is a keyword in the ledger, in any language and case; after it nobody can reply (M4, M5)."""
    company, phone = shared_company, new_phone()
    ticket = company.ticket_of(company.sms(phone, number, "Hello?"))
    consent(company, phone)
    verdict = company.verdict(company.sms(phone, number, word))
    until_said(company, phone, "stopped")
    problem = company.owner.refused("POST", f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello"})

    assert (verdict["verdict"], verdict["rule"], verdict["ticket_id"]) == ("keyword", "keyword:stop", None)
    assert (problem.status, problem.code) == (409, "no_sms_consent")
    assert [one["text"] for one in company.messages(ticket["id"])] == ["Hello?"]


def test_start_gives_consent_back(shared_company: Company, number: str) -> None:
    """START from a stopped number is consent again; on an open ticket it is shown as well (M4, M5)."""
    company, phone = shared_company, new_phone()
    ticket = company.ticket_of(company.sms(phone, number, "Hello?"))
    company.verdict(company.sms(phone, number, "STOP"))
    until_said(company, phone, "stopped")
    started = company.verdict(company.sms(phone, number, "START"))
    until_said(company, phone, "transactional")
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Welcome back"})
    (request,) = sent_to(company, phone)

    assert (started["verdict"], started["ticket_id"]) == ("appended", ticket["id"])
    assert started["rule"].startswith("keyword")
    assert request.form["Body"] == "Welcome back"


def test_a_keyword_of_the_account_is_answered_with_its_text(company: Company) -> None:
    """A configured keyword makes no ticket for a stranger; its text is sent (M4)."""
    number, phone = company.use_number(), new_phone()
    company.set("sms", {"keywords": {"HOURS": {"text": "We are open from 9 to 5."}}})
    verdict = company.verdict(company.sms(phone, number, "hours"))
    (request,) = sent_to(company, phone)

    assert (verdict["verdict"], verdict["ticket_id"]) == ("keyword", None)
    assert (request.form["From"], request.form["Body"]) == (number, "We are open from 9 to 5.")
    assert company.owner.get("/v1/tickets", status="any")["items"] == []


def test_strangers_get_the_automatic_answer_with_its_variables(company: Company) -> None:
    """The auto-responder answers those without consent, its variables filled in, as a system message (M6)."""
    number, phone = company.use_number(), new_phone()
    company.set("account", {"prefix": "ACME"})
    responder = {"mode": "non_consented", "text": "{{ organization.prefix }}: write to {{ support_email }}"}
    company.set("sms", {"auto_responder": responder})
    ticket = company.ticket_of(company.sms(phone, number, "Hello?"))
    (request,) = sent_to(company, phone)
    kinds = [(one["kind"], one["automatic"]) for one in company.messages(ticket["id"])]

    assert request.form["Body"] == f"ACME: write to {company.support}"
    assert kinds == [("inbound", False), ("system", True)]


def test_links_are_shortened_and_lead_where_they_should(shared_company: Company, number: str) -> None:
    """A link in a reply becomes one of our own short ones, which redirects to it and to nothing else (M8, S4)."""
    company, phone = shared_company, new_phone()
    ticket = company.ticket_of(company.sms(phone, number, "Where can I read it?"))
    consent(company, phone)
    link = "https://shop.example/a/long/way?to=go&and=further"
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": f"Here: {link}"})
    (request,) = sent_to(company, phone)
    short = request.form["Body"].removeprefix("Here: ")
    answer = company.owner.client.get(short)
    unknown = company.owner.refused("GET", "/s/000000000000")

    assert link not in request.form["Body"]
    assert (answer.status_code, answer.headers["location"]) == (302, link)
    assert unknown.status == 404


def test_the_first_message_after_a_campaign_is_attributed_to_the_last_one(
    shared_company: Company, number: str, system: RunningSystem
) -> None:
    """An SMS after two campaigns belongs to the later one, and the next message to none (M10)."""
    company, phone = shared_company, new_phone()
    sent_at = datetime.now(UTC) - timedelta(hours=1)
    for campaign, at in (("summer", sent_at), ("spring", sent_at - timedelta(hours=1))):
        told = {"campaign_id": campaign, "channel": "sms", "sent_at": at.isoformat()}
        company.report("support.campaign.message_sent.v1", contact={"phone": phone}, **told)
    system.bus.read_by("campaign-messages-v1", "ingest-sms")
    ticket = company.ticket_of(company.sms(phone, number, "I saw your offer"))
    company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    company.verdict(company.sms(phone, number, "One more thing"))
    events = company.events(ticket["id"])

    assert (events[0]["type"], events[0]["data"]["campaign_id"]) == ("support.ticket.created.v1", "summer")
    assert [event["data"].get("campaign_id") for event in events[1:]] == [None] * (len(events) - 1)


def test_a_webhook_with_a_wrong_signature_is_quarantined(
    shared_company: Company, number: str, system: RunningSystem
) -> None:
    """A wrong signature is refused with 403; the ledger has the delivery as quarantined, without a ticket (M2, I2)."""
    company, sid = shared_company, new_sid()
    form = inbound_form(new_phone(), number, "Forged", sid)
    url = f"{system.process.base_url}/v1/sms/twilio/inbound"
    answer = call(system.client, url, form, token="somebody-elses-token")
    unsigned = system.client.post(url, data=inbound_form(new_phone(), number, "Forged", new_sid()))
    verdict = company.verdict(sid)

    assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    assert unsigned.status_code == 403
    assert (verdict["verdict"], verdict["reason"], verdict["ticket_id"]) == ("quarantined", "bad_signature", None)


def test_a_number_of_nobody_is_not_found(system: RunningSystem) -> None:
    """A webhook for a number that no account has is refused with 404 and stores nothing (S4)."""
    url = f"{system.process.base_url}/v1/sms/twilio/inbound"
    answer = call(system.client, url, inbound_form(new_phone(), "+12025550000", "Hello", new_sid()))

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
