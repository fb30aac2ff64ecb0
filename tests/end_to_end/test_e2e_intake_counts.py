"""What was received, counted at the doors and in the ledger (I2)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from end_to_end.company import Company, Json, new_phone
from end_to_end.system import RunningSystem
from end_to_end.twilio import call, inbound_form, new_sid
from end_to_end.until import until

AUTOMATIC = (
    b"From: ann@customer.example\r\nMessage-ID: <away-1@machine.example>\r\nSubject: Away\r\n"
    b"In-Reply-To: <ask-1@customer.example>\r\n"
    b"Auto-Submitted: auto-replied\r\n\r\nI am away.\r\n"
)
ORDINARY = b"From: ann@customer.example\r\nMessage-ID: <ask-1@customer.example>\r\nSubject: Hi\r\n\r\nHello?\r\n"
NOBODY = b"Message-ID: <nobody-3@nowhere.example>\r\nSubject: Boo\r\n\r\nBoo\r\n"


def counted(company: Company, group: str) -> dict[str, Json]:
    """The rows of the last hour, by name."""
    now = datetime.now(UTC) + timedelta(seconds=5)
    asked = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat(), "group": group}
    return {row["name"]: row for row in company.owner.get("/v1/intake/counts", **asked)["items"]}


def test_counts_reconcile_with_what_the_doors_took(system: RunningSystem, company: Company) -> None:
    """Duplicates, keywords, blocked, automatic, quarantined: a mailbox's verdicts add up to its deliveries (I2)."""
    number, blocked = company.use_number(), new_phone()
    url, taken = f"{system.process.base_url}/v1/sms/twilio/inbound", Counter[str]()
    company.owner.post("/v1/blocks", {"kind": "phone", "value": blocked})
    for content in (ORDINARY, ORDINARY, AUTOMATIC, NOBODY):
        company.deliver("" if content is NOBODY else "bounce@machine.example", content)
        taken[company.support] += 1
    sid = new_sid()
    texts = [(new_phone(), "Hello", sid), (blocked, "Let me in", new_sid()), (new_phone(), "STOP", new_sid())]
    for sender, text, one in (texts[0], *texts):
        assert call(system.client, url, inbound_form(sender, number, text, one)).is_success
        taken[number] += 1
    forged = call(system.client, url, inbound_form(new_phone(), number, "Forged", new_sid()), token="wrong")
    taken[number] += forged.json()["code"] == "bad_signature"
    boxes = until(lambda: found if _received(found := counted(company, "mailbox")) == taken else None)
    verdicts = counted(company, "verdict")

    assert all(box["received"] == sum(box["verdicts"].values()) for box in boxes.values())
    assert _given(boxes[number]) == {"created": 1, "duplicate": 1, "blocked": 1, "keyword": 1, "quarantined": 1}
    assert boxes[company.support]["verdicts"]["duplicate"] == 1
    assert boxes[company.support]["verdicts"]["quarantined"] == 1
    assert boxes[company.support]["verdicts"]["automatic"] == 1
    assert sum(row["received"] for row in verdicts.values()) == taken.total()


def _received(boxes: dict[str, Json]) -> Counter[str]:
    return Counter({name: box["received"] for name, box in boxes.items()})


def _given(box: Json) -> Json:
    return {verdict: number for verdict, number in box["verdicts"].items() if number}
