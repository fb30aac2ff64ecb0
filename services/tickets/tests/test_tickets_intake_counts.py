"""Counts of the intake ledger, set against what was delivered (I2)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from contracts.intake import IntakeVerdictRecorded
from service_kit.docstore import Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.planning import require_index
from service_kit.testing.eventually import eventually
from tickets.ledger.intake_counter import mailboxes_after
from tickets.ledger.intake_counts import IntakeRange
from tickets.ledger.intake_entry import INTAKE


async def counts(bench: Any, **query: Any) -> dict[str, Any]:
    """What a day up to now counts."""
    now = bench.clock.now() + timedelta(seconds=1)
    asked = {"from": (now - timedelta(days=1)).isoformat(), "to": now.isoformat(), **query}
    page: dict[str, Any] = await bench.get("/v1/intake/counts", **asked)
    return page


async def end_at_the_gateway(bench: Any, name: str, verdict: str, mailbox: str) -> None:
    """A gateway ends a delivery itself."""
    recorded = IntakeVerdictRecorded(
        id=f"evt_{name}",
        account_id="acc_1",
        time=bench.clock.now(),
        delivery_id=f"dlv_{name}",
        provider_message_id=name,
        channel="sms",
        mailbox=mailbox,
        verdict=verdict,
        rule="test",
        received_at=bench.clock.now(),
    )
    await bench.platform.bus.publish([recorded])
    await eventually(lambda: bench.platform.store.collection(INTAKE).get(f"dlv_{name}"))


async def test_every_delivery_is_counted_once(bench: Any) -> None:
    """For each mailbox the verdicts add up to what was delivered there, redeliveries included (I2, I4)."""
    number = "+12025550123"
    once = [bench.inbox.sms("Hi", provider_id="SM1") for _ in range(3)]
    await bench.receive(*once, bench.inbox.sms("More"))
    await bench.receive(bench.inbox.mail("Hello"), bench.inbox.mail("I am away", automatic="auto_reply"))
    await end_at_the_gateway(bench, "stop", "keyword", number)
    await end_at_the_gateway(bench, "forged", "quarantined", number)
    await bench.platform.bus.publish([once[0]])
    await bench.receive(bench.inbox.sms("Last"))
    boxes = (await counts(bench))["items"]
    verdicts = (await counts(bench, group="verdict"))["items"]
    listed = Counter(item["verdict"] for item in (await bench.get("/v1/intake", limit=200))["items"])
    of_number = next(box for box in boxes if box["name"] == number)

    assert {box["name"]: box["received"] for box in boxes} == {number: 7, "support@acme.example": 2}
    assert all(box["received"] == sum(box["verdicts"].values()) and box["is_exact"] for box in boxes)
    assert {name: count for name, count in of_number["verdicts"].items() if count} == {
        "created": 1,
        "appended": 2,
        "duplicate": 2,
        "keyword": 1,
        "quarantined": 1,
    }
    assert {row["name"]: row["received"] for row in verdicts if row["received"]} == dict(listed)
    assert sum(row["received"] for row in verdicts) == sum(box["received"] for box in boxes) == 9


async def test_mailboxes_come_in_pages(bench: Any) -> None:
    """Mailboxes come by name, page by page, however many deliveries each has; the last page says so (I2)."""
    numbers = [f"+1202555010{place}" for place in range(3)]
    await bench.receive(*(bench.inbox.sms("Hi", number=number) for number in numbers for _ in range(2)))
    first = await counts(bench, limit=2)
    second = await counts(bench, limit=2, cursor=first["next_cursor"])

    assert [box["name"] for box in first["items"]] == numbers[:2]
    assert [(box["name"], box["received"]) for box in second["items"]] == [(numbers[2], 2)]
    assert second["next_cursor"] is None


async def test_a_silent_mailbox_is_a_row_of_zeros(bench: Any) -> None:
    """The end is not part of a range, and a mailbox that received nothing in it is seen to have been silent (I2)."""
    [entry] = await bench.receive(bench.inbox.sms("Hi"))
    start, end = (entry.received_at - timedelta(hours=1)).isoformat(), entry.received_at.isoformat()
    [box] = (await bench.get("/v1/intake/counts", **{"from": start, "to": end}))["items"]

    assert (box["received"], set(box["verdicts"].values())) == (0, {0})


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00+14:00"),
    ],
    ids=["backwards", "too-long", "no-such-time"],
)
async def test_ranges_are_bounded(bench: Any, start: str, end: str) -> None:
    """A range that ends before it begins, is too long, or lies where no calendar is, is refused with a code."""
    answer = await bench.http.get("/v1/intake/counts", params={"from": start, "to": end})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_range")


async def test_counts_are_the_accounts_own(bench: Any) -> None:
    """What another account received is not counted (S4)."""
    await bench.receive(bench.inbox.sms("Hi"))
    other = IntakeRange("acc_2", bench.clock.now() - timedelta(days=1), bench.clock.now() + timedelta(days=1))
    entries = bench.platform.store.collection(INTAKE)

    assert await entries.count(other.where(verdict="created")) == 0
    assert (await entries.find(mailboxes_after("acc_2", ""), sort=Sort("mailbox"))).items == []


@pytest.mark.parametrize("exact", [("verdict",), ("mailbox", "verdict")], ids="+".join)
def test_counts_are_read_off_an_index(exact: tuple[str, ...]) -> None:
    """Each number is a range of one index: account, what is exact, and the time last (I2)."""
    require_index(IndexedFields(INTAKE), mailboxes_after("acc_1", "a"), Sort("mailbox"))

    assert ("account_id", *exact, "received_at") in [index.fields for index in INTAKE.indexes]
