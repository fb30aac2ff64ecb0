"""What agents do with a ticket, and what stands against it."""

import base64
from datetime import UTC, datetime, timedelta

from end_to_end.company import Company, Json
from end_to_end.until import until


def soon(seconds: float) -> str:
    """A moment that many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_close_and_reopen_begin_a_new_cycle(shared_company: Company) -> None:
    """Closing twice changes nothing; reopening by hand begins the next cycle (L3, L5)."""
    ticket = shared_company.opened_by_mail()
    path = f"/v1/tickets/{ticket['id']}"
    closed = shared_company.owner.post(f"{path}/close")
    again = shared_company.owner.post(f"{path}/close")
    reopened = shared_company.owner.post(f"{path}/reopen")

    assert (closed["status"], closed["cycle"], again["version"]) == ("closed", 1, closed["version"])
    assert (reopened["status"], reopened["cycle"]) == ("open", 2)
    assert reopened["version"] > closed["version"]


def test_a_snooze_ends_by_itself(shared_company: Company) -> None:
    """A snoozed ticket is out of the open lists and comes back at its time, by an event that says so (L2)."""
    company = shared_company
    ticket = company.opened_by_mail()
    until_then = soon(1.5)
    snoozed = company.owner.post(f"/v1/tickets/{ticket['id']}/snooze", {"until": until_then})
    listed = [one["id"] for one in company.owner.get("/v1/tickets", status="snoozed")["items"]]
    hidden = [one["id"] for one in company.owner.get("/v1/tickets")["items"]]
    until(lambda: company.ticket(ticket["id"])["status"] == "open")
    causes = {event["type"]: event["cause"] for event in company.events(ticket["id"])}

    assert (snoozed["status"], datetime.fromisoformat(snoozed["snoozed_until"])) == (
        "snoozed",
        datetime.fromisoformat(until_then),
    )
    assert ticket["id"] in listed
    assert ticket["id"] not in hidden
    assert causes["support.ticket.unsnoozed.v1"] == "timer"
    assert company.ticket(ticket["id"])["snoozed_until"] is None


def test_a_customers_message_ends_a_snooze(shared_company: Company) -> None:
    """A customer who writes again wakes the ticket (L2)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    mail = company.reply_and_get_mail(ticket["id"], customer)
    company.owner.post(f"/v1/tickets/{ticket['id']}/snooze", {"until": soon(3600)})
    verdict = company.verdict(company.mail(customer, headers={"In-Reply-To": mail["Message-ID"]}))
    awake = company.ticket(ticket["id"])
    causes = {event["type"]: event["cause"] for event in company.events(ticket["id"])}

    assert (verdict["verdict"], awake["status"], awake["cycle"]) == ("appended", "open", 1)
    assert causes["support.ticket.unsnoozed.v1"] == "customer_reply"


def test_a_snooze_that_makes_no_sense_is_refused(shared_company: Company) -> None:
    """The past, no zone, and a closed ticket are each refused with a code of their own (L2)."""
    ticket = shared_company.opened_by_mail()
    path = f"/v1/tickets/{ticket['id']}/snooze"
    past = shared_company.owner.refused("POST", path, {"until": soon(-60)})
    naive = shared_company.owner.refused("POST", path, {"until": "2030-01-01T00:00:00"})
    shared_company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    closed = shared_company.owner.refused("POST", path, {"until": soon(60)})

    assert [one.code for one in (past, naive, closed)] == ["snooze_in_past", "invalid_request", "ticket_closed"]
    assert [one.status for one in (past, naive, closed)] == [422, 422, 409]


def test_an_assignee_must_be_an_agent_of_the_account(shared_company: Company) -> None:
    """Unknown agents and teams are refused, and nothing changes (A8)."""
    ticket = shared_company.settled(shared_company.opened_by_mail())
    path = f"/v1/tickets/{ticket['id']}/assignee"
    agent = shared_company.owner.refused("PUT", path, {"agent_id": "agt_of_nobody"})
    team = shared_company.owner.refused("PUT", path, {"agent_id": None, "team_id": "team_of_nobody"})

    assert [(one.status, one.code) for one in (agent, team)] == [(422, "unknown_agent"), (422, "unknown_team")]
    assert shared_company.ticket(ticket["id"])["version"] == ticket["version"]


def test_a_stale_change_is_refused_with_what_was_missed(shared_company: Company) -> None:
    """`If-Match`, quoted or not, lets the current version pass; a stale one is 412 with the events since (L6)."""
    company = shared_company
    ticket = company.settled(company.opened_by_mail())
    path, seen = f"/v1/tickets/{ticket['id']}", ticket["version"]
    changed = company.owner.put(f"{path}/tags", {"tags": ["one"]}, if_match=str(seen))
    company.owner.put(f"{path}/tags", {"tags": ["one", "two"]}, if_match=f'"{changed["version"]}"')
    stale = company.owner.refused("POST", f"{path}/messages", {"text": "Late"}, headers={"If-Match": f'"{seen}"'})
    missed = [(event["type"], event["data"]["added"]) for event in stale.document["missed"]]
    forced = company.owner.post(f"{path}/messages", {"text": "All the same", "force": True}, if_match=str(seen))
    senseless = company.owner.refused("POST", f"{path}/close", headers={"If-Match": "yesterday"})

    assert (stale.status, stale.code) == (412, "stale")
    assert missed == [("support.ticket.tags_changed.v1", ["one"]), ("support.ticket.tags_changed.v1", ["two"])]
    assert forced["kind"] == "outbound"
    assert (senseless.status, senseless.code) == (400, "bad_if_match")
    assert [one["text"].strip() for one in company.messages(ticket["id"])][1:] == ["All the same"]


def test_a_repeated_write_is_done_once(shared_company: Company) -> None:
    """The same `Idempotency-Key` gets the same answer; the key with another body is refused."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    path = f"/v1/tickets/{ticket['id']}/messages"
    first = company.owner.post(path, {"text": "Once"}, idempotency_key="reply-1")
    again = company.owner.post(path, {"text": "Once"}, idempotency_key="reply-1")
    other = company.owner.refused("POST", path, {"text": "Twice"}, headers={"Idempotency-Key": "reply-1"})
    company.reply_and_get_mail(ticket["id"], customer, "Second")

    assert again == first
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert [one["text"].strip() for one in company.messages(ticket["id"])][1:] == ["Once", "Second"]
    assert len(company.relay.wait_for(customer, 2)) == 2


def test_an_agent_and_its_key_are_made_once(shared_company: Company) -> None:
    """People and keys are written once too: the repeated request shows the same agent."""
    company = shared_company
    body = {"name": "Zed", "email": company.customer("zed"), "role": "support", "password": "a-long-password"}
    first = company.owner.post("/v1/agents", body, idempotency_key="zed-1")
    again = company.owner.post("/v1/agents", body, idempotency_key="zed-1")

    assert again == first
    assert [one["email"] for one in company.owner.everything("/v1/agents")].count(body["email"]) == 1


def test_bulk_answers_for_each_ticket(shared_company: Company) -> None:
    """One action on many tickets: each succeeds or fails on its own, in the order given (L8)."""
    company = shared_company
    first, second = company.opened_by_mail()["id"], company.opened_by_mail()["id"]
    wanted = [first, "tic_of_nobody", second]
    closed = company.owner.post("/v1/tickets/bulk", {"ids": wanted, "action": "close"})["results"]
    tagged = company.owner.post("/v1/tickets/bulk", {"ids": [first], "action": "tags", "tags": ["done"]})["results"]
    given = {"ids": [second], "action": "assign", "agent_id": company.owner_id}
    assigned = company.owner.post("/v1/tickets/bulk", given)["results"]
    unknown = company.owner.refused("POST", "/v1/tickets/bulk", {"ids": [first], "action": "explode"})

    assert closed == [
        {"id": first, "ok": True, "code": None},
        {"id": "tic_of_nobody", "ok": False, "code": "not_found"},
        {"id": second, "ok": True, "code": None},
    ]
    assert [one["ok"] for one in tagged + assigned] == [True, True]
    assert company.ticket(first)["tags"] == ["done"]
    assert company.ticket(second)["assignee"]["id"] == company.owner_id
    assert unknown.code == "invalid_request"


def test_files_travel_with_a_reply_and_can_be_fetched(shared_company: Company) -> None:
    """An attachment leaves with the mail, and agents get its bytes back, never to be shown in our origin (X8, S4)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    content = base64.b64encode(b"%PDF-1.7 of the tests").decode()
    file = {"name": "bill.pdf", "content_type": "application/pdf", "content": content}
    message = company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "See", "attachments": [file]})
    (mail,) = company.relay.wait_for(customer)
    (sent,) = mail.iter_attachments()
    (kept,) = message["attachments"]
    path = f"/v1/tickets/{ticket['id']}/messages/{message['id']}/attachments/{kept['id']}"
    answer = company.owner.send("GET", path)

    assert (sent.get_filename(), sent.get_content()) == ("bill.pdf", b"%PDF-1.7 of the tests")
    assert (kept["name"], kept["content_type"], kept["size"]) == ("bill.pdf", "application/pdf", 21)
    assert answer.content == b"%PDF-1.7 of the tests"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_reply_that_makes_no_sense_is_refused(shared_company: Company) -> None:
    """Every text has its bounds; what does not fit is named and not echoed (S4)."""
    path = f"/v1/tickets/{shared_company.opened_by_mail()['id']}/messages"
    texts: list[Json] = [{}, {"text": ""}, {"text": "  "}, {"text": 7}, {"text": "x" * 100_001}]
    problems = [shared_company.owner.refused("POST", path, body) for body in (*texts, {"text": "Hi", "colour": "red"})]

    assert {(problem.status, problem.code) for problem in problems} == {(422, "invalid_request")}
    assert all(problem.document["errors"][0]["field"].startswith("body") for problem in problems)
    assert max(len(str(problem.document)) for problem in problems) < 2_000


def test_a_body_over_the_limit_is_refused(shared_company: Company) -> None:
    """A request larger than the limit is 413, one that is no JSON is 422, both as problems (I7)."""
    ticket = shared_company.opened_by_mail()
    path = f"/v1/tickets/{ticket['id']}/notes"
    large = shared_company.owner.refused("POST", path, content=b" " * (17 * 1024 * 1024))
    broken = shared_company.owner.refused(
        "POST", path, content=b"{not json", headers={"Content-Type": "application/json"}
    )

    assert (large.status, large.code) == (413, "too_large")
    assert broken.status in {400, 422}
