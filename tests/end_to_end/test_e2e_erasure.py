"""Somebody is blocked, exported, and forgotten by every service (L9, S3)."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from end_to_end.company import Company, new_phone
from end_to_end.mail import Mail
from end_to_end.process import DeskbusProcess
from end_to_end.system import RunningSystem
from end_to_end.until import until

MARK = "xylophone-7f3a91"
RETAINED = {
    "inbound-mail-raw-v1",
    "inbound-messages-v1",
    "outbound-messages-v1",
    "contact-events-v1",
    "mail-bounces-v1",
}
"""What these streams hold of a person goes with their retention (decision 0027), 7 days; no other may hold any."""


def stores_with(home: Path, words: list[str]) -> dict[str, set[str]]:
    """The stores, and their tables, in which a row has one of these words."""
    found = {file.name: tables_with(file, words) for file in home.rglob("*.sqlite")}
    return {name: tables for name, tables in found.items() if tables}


def tables_with(file: Path, words: list[str]) -> set[str]:
    """The tables of a store in which a row has one of these words."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table
            for table in tables
            for row in store.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own schema names it
            if any(word in str(cell).lower() for cell in row for word in words)
        }


def blobs_with(folder: Path, words: list[str]) -> list[str]:
    """The blobs that contain one of these words."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file.name for file in files if any(word.encode() in file.read_bytes().lower() for word in words)]


def newest_of(bus: Any, stream: str) -> dict[bytes, bytes]:
    """The newest record of each key."""
    return {fields[b"key"]: fields[b"value"] for _, fields in bus.xrange(stream)}


def every_value(bus: Any, stream: str) -> list[bytes]:
    """Every record's value."""
    return [fields[b"value"] for _, fields in bus.xrange(stream) if b"value" in fields]


def streams_with(bus: Any, words: list[str]) -> set[str]:
    """The streams with a record that has one of these words; of compacted ones only the newest of each key counts."""
    found: set[str] = set()
    for key in bus.scan_iter(_type="stream"):
        name = key.decode()
        values = newest_of(bus, name).values() if name == "contacts-v1" else every_value(bus, name)
        if any(word.encode() in value.lower() for value in values for word in words):
            found.add(name)
    return found


def erased(company: Company, contact_id: str) -> dict[str, Any]:
    """Have a contact forgotten; the erasure, once every owner has obeyed."""
    company.owner.post(f"/v1/contacts/{contact_id}/erase", {})

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = company.owner.get(f"/v1/contacts/{contact_id}/erasure")
        return shown if shown["state"] == "done" else None

    return until(look)


@pytest.mark.embedded_only(reason="it looks into every file of the one home")
def test_nothing_of_a_forgotten_customer_stays(system: RunningSystem, company: Company) -> None:
    """After mail, SMS and chat no store, blob or compacted stream has a word of theirs, nor after a redelivery (S3)."""
    customer, phone, number = company.customer("erased"), new_phone(), company.use_number()
    company.report(
        "support.contact.updated.v1",
        contact={"email": customer, "phone": phone},
        consent={"sms": {"marketing": True}},
    )
    mail = Mail(customer, company.support, subject=MARK, text=f"{MARK} by mail")
    content = mail.content()
    company.deliver(customer, content)
    mailed = company.ticket_of(mail.message_id)
    texted = company.ticket_of(company.sms(phone, number, f"{MARK} by sms"))
    with company.visitor() as visitor:
        visitor.send({"type": "profile", "name": f"Zoe {MARK}", "email": customer})
        visitor.say("c1", f"{MARK} by chat")
        conversation = visitor.welcome["conversation_id"]
        chatted = company.ticket_of(f"{conversation}/c1")
        for ticket in (mailed, texted, chatted):
            company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": f"answer about {MARK}"})
        visitor.expect("message")
    company.relay.wait_for(customer, 1)
    export = company.owner.get(f"/v1/contacts/{mailed['contact']['id']}/export")
    home = system.process.home if isinstance(system.process, DeskbusProcess) else Path()
    words = [MARK, customer, phone]
    before = stores_with(home, words), blobs_with(home / "blobs", words)
    contacts = {ticket["contact"]["id"] for ticket in (mailed, texted, chatted)}
    owners = [row["owner"] for one in sorted(contacts) for row in erased(company, one)["owners"] if row["done_at"]]
    after = stores_with(home, words), blobs_with(home / "blobs", words)
    company.deliver(customer, content)
    until(lambda: company.owner.get("/v1/intake", verdict="duplicate", channel="email")["items"])
    until(lambda: (stores_with(home, words), blobs_with(home / "blobs", words)) == after)
    with Redis.from_url((home / "engine.url").read_text()) as bus:
        streams = streams_with(bus, words)

    assert mailed["contact"]["id"] == texted["contact"]["id"]
    assert sorted(ticket["channel"] for ticket in export["tickets"]) == ["email", "sms"]
    assert MARK in json.dumps(export)
    assert len(owners) == 7 * len(contacts)
    assert {"tickets.sqlite", "notifier.sqlite", "webchat-gateway.sqlite", "ingest-sms.sqlite"} <= before[0].keys()
    assert len(before[1]) == 1
    assert after == ({}, [])
    assert streams <= RETAINED


def test_a_blocked_number_can_still_say_stop(company: Company) -> None:
    """STOP from a blocked number ends consent as from any other, while its messages end in `blocked` (M4, M5, L9)."""
    phone, number = new_phone(), company.use_number()
    company.report("support.contact.updated.v1", contact={"phone": phone}, consent={"sms": {"marketing": True}})
    ticket = company.ticket_of(company.sms(phone, number, "hello"))
    company.owner.post("/v1/blocks", {"kind": "phone", "value": phone})
    said = company.verdict(company.sms(phone, number, "are you there?"))
    stopped = company.verdict(company.sms(phone, number, "STOP"))

    def consent() -> bool:
        shown = company.owner.get(f"/v1/contacts/{ticket['contact']['id']}")
        return bool(shown["sms_consent"][phone]["stopped"])

    assert (said["verdict"], stopped["verdict"]) == ("blocked", "keyword")
    assert until(consent)


def test_a_blocked_customer_is_not_heard_until_unblocked(company: Company) -> None:
    """A blocked address' mail is set aside and its tickets hidden; lifting brings back both, in order (L9)."""
    customer = company.customer("blocked")
    ticket = company.opened_by_mail(customer, text="first")
    block = company.owner.post("/v1/blocks", {"kind": "email", "value": customer})
    until(lambda: company.owner.get("/v1/tickets", status="any")["items"] == [])
    verdict = company.verdict(company.mail(customer, text="second"))
    company.owner.delete(f"/v1/blocks/{block['id']}")
    back = until(lambda: company.owner.get("/v1/tickets", status="any", sort="created_at")["items"][1:])

    assert (verdict["verdict"], verdict["rule"]) == ("blocked", "blocked_email")
    assert [company.messages(one["id"])[0]["text"].strip() for one in (ticket, back[0])] == ["first", "second"]
