"""What agents find tickets by (V4)."""

from datetime import timedelta
from typing import Any

import pytest

from tickets.writing.conversation import MAX_SEARCH_TOKENS


async def _numbers(bench: Any, q: str, **query: Any) -> list[int]:
    page = await bench.get("/v1/tickets", q=q, **query)
    return [ticket["number"] for ticket in page["items"]]


@pytest.fixture
async def inbox_of_three(bench: Any) -> Any:
    """Three tickets: a mail, an SMS, a chat."""
    mail = bench.inbox.mail(
        "Mon café n'est pas arrivé. Straße 5, order #A-1042, call +1 (202) 555-0143.",
        subject="Livraison d'été",
        sender="Zoe.Martin@Example.com",
    )
    for message in (
        mail,
        bench.inbox.sms("東京都に住んでいます kettle", sender="+33612345678"),
        bench.inbox.chat("Der Wasserkocher ist kaputt, kettle broken"),
    ):
        bench.clock.advance(timedelta(minutes=1))
        await bench.receive(message.model_copy(update={"received_at": bench.clock.now()}))
    return bench


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("café", [1]),
        ("CAFE", [1]),
        ("ete", [1]),
        ("été livr", [1]),
        ("strasse", [1]),
        ("straße", [1]),
        ("a-1042", [1]),
        ("zoe.martin@example.com", [1]),
        ("martin", [1]),
        ("@example.com", [1]),
        ("example", [1]),
        ("202-555-0143", [1]),
        ("+12025550143", [1]),
        ("06 12 34 56 78", [2]),
        ("+33 6 12 34 56 78", [2]),
        ("0033612345678", [2]),
        ("東京", [2]),
        ("住んで", [2]),
        ("wasserkocher", [3]),
        ("kocher", []),
        ("kett", [3, 2]),
        ("kettle broken", [3]),
        ("kettle cafe", []),
        ("#2", [2]),
        ("#3 kettle", [3]),
    ],
)
async def test_found(inbox_of_three: Any, q: str, expected: list[int]):
    """Words in any case and accent, their beginnings, several at once, numbers and addresses as people write them."""

    assert await _numbers(inbox_of_three, q) == expected


async def test_newest_first_page_by_page(bench: Any):
    """What is found comes newest first, in pages, and within the list that was asked for (V1, V4)."""
    for _ in range(5):
        bench.clock.advance(timedelta(minutes=1))
        await bench.receive(bench.inbox.mail("About the kettle", received_at=bench.clock.now()))
    tickets = await bench.tickets()
    await bench.do("POST", f"/v1/tickets/{tickets[2]['id']}/close")
    first = await bench.get("/v1/tickets", q="kettle", limit=2)
    rest = await bench.get("/v1/tickets", q="kettle", limit=2, cursor=first["next_cursor"])
    every = await _numbers(bench, "kettle", status="any", sort="created_at")

    assert [ticket["number"] for ticket in (*first["items"], *rest["items"])] == [5, 4, 2, 1]
    assert rest["next_cursor"] is None
    assert every == [1, 2, 3, 4, 5]


async def test_everything_that_was_said_is_found(bench: Any):
    """Later messages, ours and notes are searched like the first one (V4)."""
    [entry] = await bench.receive(bench.inbox.mail("First"))
    path = f"/v1/tickets/{entry.ticket_id}"
    await bench.do("POST", f"{path}/messages", {"text": "Refunded in full"})
    await bench.do("POST", f"{path}/notes", {"text": "fraudster?"})

    assert [await _numbers(bench, q) for q in ("refunded", "fraud", "first")] == [[1], [1], [1]]


async def test_a_ticket_is_found_by_so_many_words(bench: Any):
    """Beyond the stated number of words a ticket is found by those that came first; its own facts always are (V4)."""
    many = [" ".join(f"w{part}x{number}" for number in range(390)) for part in range(4)]
    mail = bench.inbox.mail(many[0], mail_id="first@customer.example", subject="Kettle")
    [entry] = await bench.receive(mail)
    for text in many[1:]:
        await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/notes", {"text": text})

    assert MAX_SEARCH_TOKENS == 1_000
    assert [await _numbers(bench, q) for q in ("w0x0", "w2x10", "w3x389", "kettle")] == [[1], [1], [], [1]]


async def test_another_account_finds_nothing(inbox_of_three: Any):
    """A search is of one account (S4)."""
    stranger = await inbox_of_three.as_agent("agt_9", account_id="acc_2")
    answer = await inbox_of_three.http.get("/v1/tickets", params={"q": "kettle"}, headers=stranger)

    assert answer.json()["items"] == []


@pytest.mark.parametrize("q", ["", "x" * 501])
async def test_refused_searches(bench: Any, q: str):
    """A search is of 1 to 500 characters."""
    answer = await bench.http.get("/v1/tickets", params={"q": q})

    assert answer.status_code == 422


async def test_words_that_are_none_find_nothing(inbox_of_three: Any):
    """Punctuation alone finds nothing, rather than everything."""

    assert await _numbers(inbox_of_three, "?! --") == []
