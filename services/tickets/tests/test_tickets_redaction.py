"""Taking back what a message says, for law and leaks (N1)."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.people import Actor, Attachment
from contracts.tickets import TicketMessageRedacted
from service_kit.blobs import BlobMissing
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.eventually import eventually
from tickets.ticket.model import MESSAGES, Message, Ticket
from tickets.writing.outgoing import filled
from tickets.writing.redaction import REDACTED_SUBJECT, is_leaving, redacted, text_hash, unsaid

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "Her card is zebra 4111 xylophone"
REASON = "It named a card."


async def _note(bench: Any, ticket_id: Any, text: str = SECRET) -> str:
    answer = await bench.do("POST", f"/v1/tickets/{ticket_id}/notes", {"text": text})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return str(answer.json()["id"])


async def _redact(bench: Any, ticket_id: Any, message_id: str, **headers: str) -> httpx.Response:
    answer = await bench.do(
        "POST", f"/v1/tickets/{ticket_id}/messages/{message_id}/redact", {"reason": REASON}, **headers
    )
    assert isinstance(answer, httpx.Response)
    return answer


async def _found(bench: Any, q: str) -> list[int]:
    page = await bench.get("/v1/tickets", q=q, status="any")
    return [ticket["number"] for ticket in page["items"]]


async def _stored(bench: Any, message_id: str) -> str:
    """Everything the store holds of a message, as text."""
    message = await bench.platform.store.collection(MESSAGES).get(message_id)
    return str(message.model_dump_json())


async def test_redaction(bench: Any):
    """Author, time, place, hash and reason stay; the text goes from thread, store and search; it is told (N1, E1)."""
    [entry] = await bench.receive(bench.inbox.mail("Where is my zebra?"))
    note_id = await _note(bench, entry.ticket_id)
    before = [await _found(bench, q) for q in ("xylophone", "zebra")]
    answer = await _redact(bench, entry.ticket_id, note_id)
    [said] = await bench.hear(TicketMessageRedacted)
    shown = answer.json()
    digest = hashlib.sha256(SECRET.encode()).hexdigest()

    assert answer.status_code == httpx.codes.OK, answer.text
    assert before == [[1], [1]]
    assert [await _found(bench, q) for q in ("xylophone", "zebra")] == [[], [1]]
    assert (shown["text"], shown["author"]["name"], shown["kind"], shown["seq"]) == ("", "Ann", "note", 2)
    assert shown["redaction"]["actor"] == {"kind": "agent", "id": "agt_1"}
    assert (shown["redaction"]["text_sha256"], shown["redaction"]["reason"]) == (digest, REASON)
    assert (said.message_id, said.text_sha256, said.reason, said.actor.id) == (note_id, digest, REASON, "agt_1")
    assert SECRET not in said.model_dump_json()
    assert "xylophone" not in await _stored(bench, note_id)
    assert (await bench.thread(entry.ticket_id))[1] == ("note", "")


async def test_twice_is_once(bench: Any):
    """A second request changes nothing: the first reason stays, and one event is told."""
    [entry] = await bench.receive(bench.inbox.mail())
    note_id = await _note(bench, entry.ticket_id)
    first = await _redact(bench, entry.ticket_id, note_id)
    path = f"/v1/tickets/{entry.ticket_id}/messages/{note_id}/redact"
    again = await bench.do("POST", path, {"reason": "Another one."})
    await bench.hear(TicketMessageRedacted)

    assert again.json() == first.json()
    assert len(bench.heard(TicketMessageRedacted)) == 1


async def test_notes_are_never_changed(bench: Any):
    """There is no way to edit or delete a note (N1)."""
    [entry] = await bench.receive(bench.inbox.mail())
    note_id = await _note(bench, entry.ticket_id)
    path = f"/v1/tickets/{entry.ticket_id}/messages/{note_id}"
    answers = [await bench.do(method, path, {"text": "x"}) for method in ("PUT", "PATCH", "DELETE", "POST")]

    assert {answer.status_code for answer in answers} <= {404, 405}
    assert (await bench.thread(entry.ticket_id))[1] == ("note", SECRET)


@pytest.mark.parametrize("role", ["manager", "support"])
async def test_only_admins(bench: Any, role: Any):
    """Owners and admins may redact, nobody else, nor a key without the scope (N1, S1)."""
    [entry] = await bench.receive(bench.inbox.mail())
    note_id = await _note(bench, entry.ticket_id)
    person = await sign_in(bench.platform, agent_id="agt_2", role=role)
    key = await api_key(bench.platform, scopes=["tickets:read", "tickets:write"])
    refused = [await _redact(bench, entry.ticket_id, note_id, **headers) for headers in (person, key)]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert (await bench.thread(entry.ticket_id))[1] == ("note", SECRET)


async def test_what_is_not_there(bench: Any):
    """A message of another ticket or account is not found (S4), and a reason must be given."""
    [entry] = await bench.receive(bench.inbox.mail())
    [other] = await bench.receive(bench.inbox.mail())
    note_id = await _note(bench, entry.ticket_id)
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    answers = [
        await _redact(bench, other.ticket_id, note_id),
        await _redact(bench, entry.ticket_id, "msg_9"),
        await _redact(bench, entry.ticket_id, note_id, **stranger),
    ]
    path = f"/v1/tickets/{entry.ticket_id}/messages/{note_id}/redact"
    bad = [(await bench.do("POST", path, body)).status_code for body in ({}, {"reason": " "}, {"reason": "x" * 501})]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert bad == [422, 422, 422]


async def test_files_go(bench: Any):
    """The bytes of a redacted message's files are removed (N1)."""
    [entry] = await bench.receive(bench.inbox.mail())
    file = {"name": "card.png", "content": base64.b64encode(b"4111").decode()}
    body = {"text": "See the picture", "attachments": [file]}
    reply = (await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", body)).json()
    stored = await bench.platform.store.collection(MESSAGES).get(reply["id"])
    [kept] = stored.attachments
    there = await bench.platform.blobs.get(kept.blob_key)
    answer = await _redact(bench, entry.ticket_id, reply["id"])
    path = f"/v1/tickets/{entry.ticket_id}/messages/{reply['id']}/attachments/{kept.id}"

    assert there == b"4111"
    assert answer.json()["attachments"] == []
    assert (await bench.http.get(path)).status_code == httpx.codes.NOT_FOUND
    with pytest.raises(BlobMissing):
        await bench.platform.blobs.get(kept.blob_key)


@pytest.mark.parametrize("sender", ["dora@customer.example", "blocked@customer.example"])
async def test_files_of_others_stay(bench: Any, sender: str):
    """A file that somebody else sent as well stays, also where a block set theirs aside (N1, L9)."""
    await bench.do("POST", "/v1/blocks", {"kind": "email", "value": "blocked@customer.example"})
    key = "acc_1/attachment/logo"
    await bench.platform.blobs.put(key, b"logo")
    file = Attachment(id="att_1", name="logo.png", content_type="image/png", size=4, blob_key=key)
    [entry, _] = await bench.receive(
        bench.inbox.mail(attachments=(file,)), bench.inbox.mail(sender=sender, attachments=(file,))
    )
    [message] = (await bench.get(f"/v1/tickets/{entry.ticket_id}/messages"))["items"]
    answer = await _redact(bench, entry.ticket_id, message["id"])

    assert answer.json()["attachments"] == []
    assert await bench.platform.blobs.get(key) == b"logo"


async def test_merged_and_split(bench: Any):
    """Wherever the message went or was shown, no ticket is found by what only it said (L7, N1)."""
    [one] = await bench.receive(bench.inbox.mail("First"))
    [two] = await bench.receive(bench.inbox.mail("Second"))
    note_id = await _note(bench, one.ticket_id)
    merged = await bench.do("POST", f"/v1/tickets/{one.ticket_id}/merge", {"into": two.ticket_id})
    before = await _found(bench, "xylophone")
    split = await bench.do("POST", f"/v1/tickets/{two.ticket_id}/split", {"message_ids": [note_id]})
    answer = await _redact(bench, split.json()["id"], note_id)

    assert (merged.status_code, split.status_code // 100, answer.status_code) == (200, 2, 200)
    assert sorted(before) == [1, 2]
    assert await _found(bench, "xylophone") == []
    assert sorted(await _found(bench, "first")) == [1, 2]


async def test_the_subject_of_a_chat_goes_too(bench: Any):
    """A subject that was made of the message goes with it (N1)."""
    [entry] = await bench.receive(bench.inbox.chat("My PIN is xylophone", seq=1))
    [message] = (await bench.get(f"/v1/tickets/{entry.ticket_id}/messages"))["items"]
    await _redact(bench, entry.ticket_id, message["id"])
    ticket = await bench.get(f"/v1/tickets/{entry.ticket_id}")

    assert ticket["subject"] == REDACTED_SUBJECT
    assert await _found(bench, "xylophone") == []


async def test_it_is_audited(bench: Any):
    """Who redacted which message, when, and that it was done, is in the audit log; not what it said (S3, N1)."""
    [entry] = await bench.receive(bench.inbox.mail())
    note_id = await _note(bench, entry.ticket_id)
    await _redact(bench, entry.ticket_id, note_id)

    async def entries() -> Any:
        return (await bench.get("/v1/audit", action="message.redacted"))["items"]

    [entry_of_log] = await eventually(entries, seconds=15)

    assert (entry_of_log["target_id"], entry_of_log["actor"]["id"]) == (note_id, "agt_1")
    assert SECRET not in str(entry_of_log)


def _message(text: str = SECRET, **given: Any) -> Message:
    fields = {"id": "msg_1", "account_id": "acc_1", "ticket_id": "tic_1", "kind": "note", "created_at": NOON}
    return Message.model_validate({**fields, "author": Actor(kind="agent", id="agt_1"), "text": text, **given})


def test_what_others_say_too_is_still_found(make_ticket: Callable[..., Ticket]):
    """Words of other messages, of the subject and of the number stay."""
    ticket = make_ticket(number=4111, subject="Zebra", search_tokens=("4111", "zebra", "card", "xylophone", "her"))
    after = unsaid(ticket, _message(), [_message(), _message("her parcel", id="msg_2")], None)

    assert after.search_tokens == ("4111", "zebra", "her")
    assert unsaid(after, _message(), [_message("her parcel", id="msg_2")], None) is after


def test_what_is_redacted_is_not_sent(make_ticket: Callable[..., Ticket]):
    """A request to send a message that was redacted meanwhile is withheld, and nothing is redacted on its way out."""
    event = TicketMessageRedacted.model_validate(_event(make_ticket()))
    message = redacted(_message(kind="outbound"), event)
    request: Any = object()

    assert filled(request, message) is None
    assert redacted(message, event.model_copy(update={"reason": "Another"})) is message
    assert not is_leaving(make_ticket(), message.id)


def _event(ticket: Ticket) -> dict[str, Any]:
    facts = {name: getattr(ticket, name) for name in ("id", "number", "channel", "status", "contact_id", "version")}
    dates = {"created_at": NOON, "cycle_opened_at": NOON}
    return {
        "id": "evt_1",
        "account_id": "acc_1",
        "time": NOON,
        "ticket_id": ticket.id,
        "seq": 1,
        "actor": {"kind": "agent", "id": "agt_1"},
        "cause": "agent",
        "ticket": {**facts, **dates, "assignment_epoch": 1},
        "message_id": "msg_1",
        "message_ticket_id": ticket.id,
        "text_sha256": text_hash(SECRET),
        "reason": REASON,
    }
