"""Agents named in notes are told, once each, and never what the note says (N3)."""

import time
from typing import Any

import pytest

from contracts.directories import AgentEntry
from contracts.tickets import TicketAgentMentioned
from service_kit.docstore import Cmp
from service_kit.http.idempotency_records import IDEMPOTENCY_KEYS
from tickets.mentions.mentions import MOST_MENTIONED, meant, mentioned, named_in

ANN = AgentEntry(id="agt_1", name="Ann Lee", email="ann@acme.example", role="support")
BEN = AgentEntry(id="agt_2", name="Ben", email="Ben.O'Hara+desk@acme.example", role="support")
NAMESAKE = AgentEntry(id="agt_3", name="ann  lee", email="lee@acme.example", role="support")


async def _open_ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def _note(bench: Any, ticket_id: str, text: str, *mentions: str, **headers: str) -> Any:
    return await bench.do("POST", f"/v1/tickets/{ticket_id}/notes", {"text": text, "mentions": mentions}, **headers)


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ('@"Ann Lee" please', ["agt_1", "agt_3"]),
        ('(@"ANN   lee")', ["agt_1", "agt_3"]),
        ("ask @ann@acme.example.", ["agt_1"]),
        ("@ben.o'hara+desk@acme.example, look", ["agt_2"]),
        ("ann@acme.example wrote", []),
        ("x@@ann@acme.example", []),
        ("@Ann", []),
        ('@"Nobody" @carl@customer.example', []),
        ('@"Ann\nLee"', []),
    ],
)
def test_whom_a_text_names(text: str, agents: list[str]) -> None:
    """Addresses and quoted names after an `@`; all who share a name, and nobody by an address that is just written."""
    assert meant(named_in(text), [ANN, BEN, NAMESAKE]) == agents


def test_nobody_is_told_of_what_they_wrote() -> None:
    """The author is left out, and everybody else is mentioned once."""
    assert mentioned(["agt_2", "agt_1", "agt_2"], ["agt_3", "agt_2"], "agt_1") == ("agt_2", "agt_3")


@pytest.mark.parametrize("text", ["@" * 100_000, '@"' * 50_000, "@a@" * 33_000, "@" + "a." * 50_000])
def test_hostile_text_is_read_in_time(text: str) -> None:
    """A note as long as one may be is searched in a moment, whatever it is made of."""
    began = time.perf_counter()
    named_in(text)

    assert time.perf_counter() - began < 1


async def test_a_mention_is_an_event_without_a_body(bench: Any) -> None:
    """Each agent mentioned by id, address or name has one event, numbered with the note and without its text."""
    ticket_id = await _open_ticket(bench)
    await bench.hire("agt_3", "Cleo")
    text = 'Secret: @agt_2@acme.example and @"Cleo", see above'
    answer = await _note(bench, ticket_id, text, "agt_3", "agt_1")
    told = await bench.hear(TicketAgentMentioned, count=2, ticket_id=ticket_id)
    events = (await bench.get(f"/v1/tickets/{ticket_id}/events"))["items"]

    assert answer.status_code == 201
    assert answer.json()["mentions"] == ["agt_3", "agt_2"]
    assert [(event.agent_id, event.message_id) for event in told] == [
        ("agt_3", answer.json()["id"]),
        ("agt_2", answer.json()["id"]),
    ]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert "Secret" not in "".join(event.model_dump_json() for event in told)


async def test_a_mention_is_unread_for_who_is_mentioned(bench: Any) -> None:
    """The note is read by its author only: for the agent it names the ticket is unread, until they read it (V2)."""
    ticket_id = await _open_ticket(bench)
    ben = await bench.as_agent("agt_2")
    await bench.http.post(f"/v1/tickets/{ticket_id}/read", headers=ben)
    await bench.do("PUT", f"/v1/tickets/{ticket_id}/assignee", {"agent_id": "agt_2"})
    await _note(bench, ticket_id, "Look", "agt_2")
    of_ann = (await bench.get(f"/v1/tickets/{ticket_id}"))["unread"]
    of_ben = (await bench.http.get(f"/v1/tickets/{ticket_id}", headers=ben)).json()["unread"]
    badge = (await bench.http.get("/v1/tickets/counts", headers=ben)).json()["unread"]["count"]

    assert (of_ann, of_ben) == (False, True)
    assert badge


async def test_a_repeated_note_mentions_once(bench: Any) -> None:
    """The same request carried out again, its answer's record lost, tells nobody twice."""
    ticket_id = await _open_ticket(bench)
    first = await _note(bench, ticket_id, "Look", "agt_2", **{"Idempotency-Key": "key-1"})
    records = bench.platform.store.collection(IDEMPOTENCY_KEYS)
    await records.delete_many((await records.find(Cmp("expires_at", ">", bench.clock.now()))).items)
    second = await _note(bench, ticket_id, "Look", "agt_2", **{"Idempotency-Key": "key-1"})
    await _note(bench, ticket_id, "Done", "agt_1")
    events = (await bench.get(f"/v1/tickets/{ticket_id}/events"))["items"]

    assert (first.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert [event["type"] for event in events].count("support.ticket.agent_mentioned.v1") == 1


async def test_who_does_not_work_here_cannot_be_mentioned(bench: Any) -> None:
    """An id of nobody, of another account, and too many ids are refused, and no note is added."""
    ticket_id = await _open_ticket(bench)
    await bench.hire("agt_9", "Zoe", account_id="acc_2")
    for number in range(MOST_MENTIONED):
        await bench.hire(f"agt_m{number}", "Team")
    answers = [
        await _note(bench, ticket_id, "Look", "agt_nobody"),
        await _note(bench, ticket_id, "Look", "agt_9"),
        await _note(bench, ticket_id, 'All of @"Team"', "agt_2"),
        await _note(bench, ticket_id, "Look", *(["agt_2"] * (MOST_MENTIONED + 1))),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (422, "unknown_agent"),
        (422, "unknown_agent"),
        (422, "too_many_mentions"),
        (422, "invalid_request"),
    ]
    assert await bench.thread(ticket_id) == [("inbound", "Where is my order?")]


async def test_a_stale_reply_shows_the_messages_it_missed(bench: Any) -> None:
    """412 has the messages since, the beginning of each, beside the events; `force` sends all the same (L6)."""
    ticket_id = await _open_ticket(bench)
    version = (await bench.get(f"/v1/tickets/{ticket_id}"))["version"]
    await _note(bench, ticket_id, "I am on it")
    await _note(bench, ticket_id, "x" * 3_000)
    path, stale = f"/v1/tickets/{ticket_id}/messages", {"If-Match": str(version)}
    refused = (await bench.do("POST", path, {"text": "Hello"}, **stale)).json()
    forced = await bench.do("POST", path, {"text": "Hello", "force": True}, **stale)
    shown = [
        (one["kind"], one["author"]["name"], len(one["text"]), one["is_whole"]) for one in refused["missed_messages"]
    ]

    assert (refused["status"], refused["code"]) == (412, "stale")
    assert shown == [("note", "Ann", 10, True), ("note", "Ann", 2_000, False)]
    assert [event["type"] for event in refused["missed"]] == ["support.ticket.message_added.v1"] * 2
    assert forced.status_code == 201
