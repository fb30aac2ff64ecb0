"""Many tickets at once, and what an admin takes back, through the running system."""

import json

import httpx

from end_to_end.company import Company
from end_to_end.until import until

STREAM = "application/x-ndjson"


def test_a_bulk_action_says_how_far_it_is(company: Company) -> None:
    """A filter stands for what its list shows; each ticket's result comes on a line, and the last one says so (L8)."""
    tickets = [company.opened_by_mail()["id"] for _ in range(4)]
    company.owner.post(f"/v1/tickets/{tickets[0]}/close")
    body = {"filter": {"channel": "email"}, "action": "snooze", "preset": "tomorrow"}
    answer = company.owner.send("POST", "/v1/tickets/bulk", json=body, headers={"Accept": STREAM})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    snoozed = company.owner.get("/v1/tickets", status="snoozed")["items"]
    counts = company.owner.get("/v1/tickets/counts")

    assert answer.headers["content-type"].startswith(STREAM)
    assert {line["id"] for line in lines if "id" in line} == set(tickets[1:]) == {one["id"] for one in snoozed}
    assert lines[-1] == {"end": {"done": 3, "failed": 0, "total": 3}}
    assert counts["all"] == {"count": 0, "more": False}


def test_a_redacted_note_is_gone_everywhere(company: Company) -> None:
    """A note an admin redacts is read and found nowhere; subscribers hear of it without its text (N1, E1)."""
    ticket = company.opened_by_mail()
    path = f"/v1/tickets/{ticket['id']}"
    note = company.owner.post(f"{path}/notes", {"text": "The password is xylophone"})
    found = [one["id"] for one in company.owner.get("/v1/tickets", q="xylophone")["items"]]
    redacted = company.owner.post(f"{path}/messages/{note['id']}/redact", {"reason": "A leaked password."})
    support = company.agent()
    refused = support.api.send("POST", f"{path}/messages/{note['id']}/redact", json={"reason": "No."})
    events = until(lambda: [one for one in company.events(ticket["id"]) if one["type"].endswith("message_redacted.v1")])

    assert found == [ticket["id"]]
    assert (redacted["text"], redacted["redaction"]["reason"]) == ("", "A leaked password.")
    assert refused.status_code == httpx.codes.FORBIDDEN
    assert company.owner.get("/v1/tickets", q="xylophone")["items"] == []
    assert "xylophone" not in json.dumps([events, company.messages(ticket["id"])])
