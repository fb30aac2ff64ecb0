"""Reports, for traffic small enough to count by hand."""

import csv
import io
from datetime import datetime

import pytest

from end_to_end.company import Company, Json, new_phone
from end_to_end.system import RunningSystem
from end_to_end.until import until

VOLUME = {"tickets_created": 3, "tickets_reopened": 1, "tickets_closed": 2, "messages_in": 4, "messages_out": 2}


def table(company: Company, report: str, **query: str) -> list[dict[str, str]]:
    """A report as CSV."""
    answer = company.owner.send("GET", f"/v1/reports/{report}.csv", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))


@pytest.fixture(scope="module")
def counted(system: RunningSystem) -> Company:
    """Two mails and an SMS; one mail answered twice, closed, and reopened by its customer; the SMS closed."""
    company = system.company()
    customer = company.customer()
    answered = company.opened_by_mail(customer)
    company.opened_by_mail()
    text = company.ticket_of(company.sms(new_phone(), company.use_number(), "Hello"))
    company.owner.post(f"/v1/tickets/{answered['id']}/notes", {"text": "Not a message"})
    mail = company.reply_and_get_mail(answered["id"], customer, "One")
    company.reply_and_get_mail(answered["id"], customer, "Two")
    company.owner.post(f"/v1/tickets/{answered['id']}/close")
    company.verdict(company.mail(customer, headers={"In-Reply-To": mail["Message-ID"]}))
    company.owner.post(f"/v1/tickets/{text['id']}/close")
    until(lambda: company.owner.get("/v1/reports/volume")["totals"] == VOLUME)
    until(lambda: company.owner.get("/v1/reports/first-response")["totals"]["count"] == 1)
    return company


def test_volume_counts_what_happened(counted: Company) -> None:
    """Tickets created, reopened, closed, messages in and out are what was done; notes are none (R1, R2)."""
    company = counted
    by_mail: Json = company.owner.get("/v1/reports/volume", channel="email")["totals"]
    by_sms: Json = company.owner.get("/v1/reports/volume", channel="sms")["totals"]
    hours: Json = company.owner.get("/v1/reports/volume", interval="hour", zone="Asia/Tokyo")
    past: Json = company.owner.get("/v1/reports/volume", from_="2026-01-01", to="2026-01-31")

    assert (by_mail["tickets_created"], by_sms["tickets_created"]) == (2, 1)
    assert {name: by_mail[name] + by_sms[name] for name in VOLUME} == VOLUME
    assert {name: sum(row[name] for row in hours["items"]) for name in VOLUME} == VOLUME
    assert past["totals"] == dict.fromkeys(VOLUME, 0)
    assert len(past["items"]) == 31


def test_json_and_csv_agree(counted: Company) -> None:
    """CSV has the rows of the JSON, column by column, for the same filters (R3, R4)."""
    company = counted
    query = {"interval": "hour", "channel": "email"}
    pairs = {name: (rows(company, name, query), table(company, name, **query)) for name in ("volume", "first-response")}

    assert sum(int(row["messages_in"]) for row in pairs["volume"][1]) == 3
    for shown, written in pairs.values():
        assert [list(row) for row in written] == [list(row) for row in shown]
        assert written == [{name: "" if value is None else str(value) for name, value in row.items()} for row in shown]


def rows(company: Company, report: str, query: dict[str, str]) -> list[Json]:
    """The items of a report as JSON."""
    items: list[Json] = company.owner.get(f"/v1/reports/{report}", **query)["items"]
    return items


def test_first_response_is_the_first_answer_of_a_person(company: Company) -> None:
    """Only the first answer of a person in a cycle counts; it took what the history says it took (R1, R2)."""
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "Not an answer"})
    company.reply_and_get_mail(ticket["id"], customer, "One")
    company.reply_and_get_mail(ticket["id"], customer, "Two")
    answered_at = next(e["at"] for e in company.events(ticket["id"]) if e["data"].get("kind") == "outbound")
    took = (datetime.fromisoformat(answered_at) - datetime.fromisoformat(ticket["created_at"])).total_seconds()
    totals = until(lambda: t if (t := first_responses(company))["count"] else None)

    assert totals["count"] == 1
    assert totals["wall_mean_seconds"] == pytest.approx(took, abs=0.01)
    assert totals["wall_median_seconds"] == totals["business_mean_seconds"] == totals["wall_mean_seconds"]
    assert first_responses(company, agent=company.owner_id) == totals
    assert first_responses(company, agent="agt_of_nobody")["count"] == 0


def first_responses(company: Company, **query: str) -> Json:
    """The totals of the report on first response."""
    totals: Json = company.owner.get("/v1/reports/first-response", **query)["totals"]
    return totals
