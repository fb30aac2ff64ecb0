"""Mail that could not be understood, read after all: the same message, in the same place (I4, I6)."""

from typing import Any

import httpx
import pytest

from contracts.people import Attachment
from contracts.tickets import TicketMessageAdded, TicketMessageCompleted, TicketSubjectChanged
from service_kit.testing.eventually import eventually
from tickets.ledger.intake_entry import IntakeEntry
from tickets.ticket.model import MESSAGES

MAIL = "once@customer.example"


async def _unread(bench: Any, error: str = "timeout", **given: Any) -> IntakeEntry:
    """A ticket whose first mail was not understood; its verdict."""
    mail = bench.inbox.mail("", mail_id=MAIL, parse_error=error, raw_blob_key="acc_1/mail/1", **given)
    [entry] = await bench.receive(mail)
    assert isinstance(entry, IntakeEntry)
    return entry


async def _replayed(bench: Any, text: str = "a kettle", **given: Any) -> IntakeEntry:
    [entry] = await bench.receive(bench.inbox.mail(text, mail_id=MAIL, raw_blob_key="acc_1/mail/1", **given))
    assert isinstance(entry, IntakeEntry)
    return entry


async def test_the_message_is_completed_in_place(bench: Any) -> None:
    """Text and files come to the message that is there; it is told once, found by search, and unread (I6)."""
    first = await _unread(bench)
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/notes", {"text": "cannot read this"})
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/read")
    file = Attachment(id="att_1", name="k.png", content_type="image/png", size=1, blob_key="acc_1/attachment/k")
    replay = await _replayed(bench, attachments=(file,))
    again = await _replayed(bench)
    [told] = await bench.hear(TicketMessageCompleted)
    [ticket] = await bench.tickets(q="kettle")
    messages = (await bench.get(f"/v1/tickets/{first.ticket_id}/messages"))["items"]
    stored = await bench.platform.store.collection(MESSAGES).get(told.message_id)

    assert (replay.verdict, again.verdict, replay.ticket_id) == ("duplicate", "duplicate", first.ticket_id)
    assert [(one["kind"], one["text"]) for one in messages] == [("inbound", "a kettle"), ("note", "cannot read this")]
    assert [one["name"] for one in messages[0]["attachments"]] == ["k.png"]
    assert (ticket["id"], ticket["unread"], ticket["message_count"]) == (first.ticket_id, True, 2)
    assert (stored.parse_error, len(bench.heard(TicketMessageAdded, kind="inbound"))) == (None, 1)


@pytest.mark.parametrize(
    ("known", "then", "text"),
    [
        ("timeout", "timeout", ""),
        ("timeout", "partial:html_over_limit", "a kettle"),
        ("partial:html_over_limit", "timeout", ""),
    ],
)
async def test_only_what_says_more_completes(bench: Any, known: str, then: str, text: str) -> None:
    """What is not understood still changes nothing; a part of it is more than nothing (I6)."""
    entry = await _unread(bench, known)
    await _replayed(bench, "a kettle", parse_error=then)

    assert await bench.thread(entry.ticket_id) == [("inbound", text)]


async def test_what_was_redacted_stays_unsaid(bench: Any) -> None:
    """A replay brings nothing back that an admin took away, nor of somebody who was forgotten (N1, S3)."""
    entry = await _unread(bench)
    [message] = (await bench.get(f"/v1/tickets/{entry.ticket_id}/messages"))["items"]
    path = f"/v1/tickets/{entry.ticket_id}/messages/{message['id']}/redact"
    redacted = await bench.do("POST", path, {"reason": "It is a leak."})
    await _replayed(bench)
    after = await bench.thread(entry.ticket_id)
    contact_id = (await bench.get(f"/v1/tickets/{entry.ticket_id}"))["contact"]["id"]
    await bench.do("POST", f"/v1/contacts/{contact_id}/erase")

    async def is_forgotten() -> bool:
        answer = await bench.do("GET", f"/v1/tickets/{entry.ticket_id}")
        return bool(answer.status_code == httpx.codes.NOT_FOUND)

    await eventually(is_forgotten, seconds=15)
    await _replayed(bench)

    assert redacted.status_code == httpx.codes.OK
    assert after == [("inbound", "")]
    assert bench.heard(TicketMessageCompleted) == []


async def test_a_merged_ticket_is_found_by_what_was_read(bench: Any) -> None:
    """The message stays where it is, and the ticket that shows it now is found by its words (L7, I6)."""
    first = await _unread(bench)
    [other] = await bench.receive(bench.inbox.mail("another"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/merge", {"into": other.ticket_id})
    await _replayed(bench)
    found = await bench.get("/v1/tickets", q="kettle")

    assert [ticket["id"] for ticket in found["items"]] == [other.ticket_id]
    assert sorted(text for _, text in await bench.thread(other.ticket_id)) == ["a kettle", "another"]


async def test_a_ticket_without_a_subject_is_called_as_the_mail(bench: Any) -> None:
    """Its subject comes with the mail that was read after all: told once, found by search, and in the history (I6)."""
    first = await _unread(bench, subject=None)
    before = await bench.get(f"/v1/tickets/{first.ticket_id}")
    await _replayed(bench, subject="Broken teapot")
    await _replayed(bench, subject="Broken teapot")
    told = await bench.hear(TicketSubjectChanged)
    [after] = await bench.tickets(q="teapot")
    types = [one["type"] for one in (await bench.get(f"/v1/tickets/{first.ticket_id}/events"))["items"]]

    assert (before["subject"], after["subject"]) == ("(no subject)", "Broken teapot")
    assert [event.actor.kind for event in told] == ["system"]
    assert after["version"] == told[0].ticket.version > before["version"]
    assert types.count(told[0].type) == 1


async def test_a_ticket_keeps_its_subject(bench: Any) -> None:
    """Agents know a ticket by what it is called: a mail read after all changes only a ticket that has no subject."""
    first = await _unread(bench, subject="Order 7")
    await _replayed(bench, subject="Broken teapot")
    shown = await bench.get(f"/v1/tickets/{first.ticket_id}")

    assert shown["subject"] == "Order 7"
    assert bench.heard(TicketSubjectChanged) == []
