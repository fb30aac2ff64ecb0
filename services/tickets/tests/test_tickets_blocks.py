"""Blocking through the API, the bus and the timers: hiding, setting aside, lifting, purging (L9)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.contacts import ContactChanged, ContactIdentity, ContactUpdated
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from contracts.settings import TicketSettings
from contracts.tickets import TicketVisibilityChanged
from service_kit.docstore import Eq
from service_kit.testing.eventually import eventually
from tickets.privacy.block_kept import KEPT
from tickets.ticket.model import TICKETS

CARL = "carl@customer.example"
PHONE = "+33612345678"
DRAINED = timedelta(seconds=6)
A_MONTH = timedelta(days=30, seconds=1)


async def blocked(bench: Any, kind: str, value: str, **how: Any) -> dict[str, Any]:
    """A new block."""
    answer = await bench.do("POST", "/v1/blocks", {"kind": kind, "value": value, **how})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    block: dict[str, Any] = answer.json()
    return block


async def hidden(bench: Any, ticket_id: str | None) -> None:
    """A ticket has left the lists."""
    await bench.hear(TicketVisibilityChanged, ticket_id=ticket_id, hidden=True)


async def lifted(bench: Any, block: dict[str, Any]) -> None:
    """A block is gone, after what it set aside was taken in."""
    answer = await bench.do("DELETE", f"/v1/blocks/{block['id']}")
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    bench.clock.advance(DRAINED)

    async def is_gone() -> bool:
        bench.clock.advance(timedelta(seconds=1))
        return bool((await bench.do("GET", f"/v1/blocks/{block['id']}")).status_code == httpx.codes.NOT_FOUND)

    await eventually(is_gone, seconds=15)


async def test_blocked_mail_opens_nothing(bench: Any) -> None:
    """A blocked customer's mail ends in `blocked` with the rule that fired: no ticket, no answer, nothing said (L9)."""
    await blocked(bench, "email", CARL)
    (entry,) = await bench.receive(bench.inbox.mail("never again", sender=CARL))

    assert (entry.verdict, entry.rule, entry.ticket_id) == ("blocked", "blocked_email", None)
    assert await bench.tickets() == []
    assert bench.heard(OutboundMessageRequested) == []


async def test_tickets_are_hidden_and_come_back(bench: Any) -> None:
    """While blocked a ticket is in no list, count or search, and still readable by its id; then it is back (L9)."""
    (entry,) = await bench.receive(bench.inbox.mail("a kettle", sender=CARL))
    block = await blocked(bench, "email", CARL)
    await hidden(bench, entry.ticket_id)
    lists = [await bench.tickets(), await bench.tickets(q="kettle"), await bench.tickets(status="open")]
    counts = await bench.get("/v1/tickets/counts")
    by_id = await bench.get(f"/v1/tickets/{entry.ticket_id}")
    await lifted(bench, block)

    assert lists == [[], [], []]
    assert (counts["all"]["count"], counts["unassigned"]["count"]) == (0, 0)
    assert by_id["id"] == entry.ticket_id
    assert [ticket["id"] for ticket in await bench.tickets(q="kettle")] == [entry.ticket_id]


async def test_nobody_answers_a_blocked_customer(bench: Any) -> None:
    """A reply to a hidden ticket is refused by name and sends nothing, a note is not; lifted, it goes out (L9)."""
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL))
    block = await blocked(bench, "email", CARL)
    await hidden(bench, entry.ticket_id)
    path = f"/v1/tickets/{entry.ticket_id}"
    refused = await bench.do("POST", f"{path}/messages", {"text": "hello", "force": True})
    noted = await bench.do("POST", f"{path}/notes", {"text": "blocked for abuse"})
    asked = bench.heard(OutboundMessageRequested)
    await lifted(bench, block)
    sent = await bench.do("POST", f"{path}/messages", {"text": "hello"})

    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_hidden")
    assert (noted.status_code, asked, sent.status_code) == (201, [], 201)


async def test_lifting_takes_in_what_was_set_aside_once_and_in_order(bench: Any) -> None:
    """Messages that came while blocked join the thread in order, once each, although one was delivered twice (L9)."""
    (entry,) = await bench.receive(bench.inbox.sms("one", sender=PHONE))
    block = await blocked(bench, "phone", PHONE)
    await hidden(bench, entry.ticket_id)
    kept = [
        bench.inbox.sms(text, sender=PHONE, provider_id=text, received_at=bench.clock.now() + timedelta(seconds=number))
        for number, text in enumerate(("two", "three", "four"))
    ]
    verdicts = [one.verdict for one in await bench.receive(*kept)]
    (again,) = await bench.receive(bench.inbox.sms("three", sender=PHONE, provider_id="three"))
    await lifted(bench, block)
    (later,) = await bench.receive(bench.inbox.sms("two", sender=PHONE, provider_id="two"))
    left = await bench.platform.store.collection(KEPT).get_many([f"{one.message_id}/{block['id']}" for one in kept])

    assert (verdicts, again.verdict, later.verdict) == (["blocked"] * 3, "duplicate", "duplicate")
    assert [text for kind, text in await bench.thread(entry.ticket_id) if kind == "inbound"] == [
        "one",
        "two",
        "three",
        "four",
    ]
    assert left == {}


@pytest.mark.parametrize(
    ("kind", "value"),
    [("email", "Carl@Customer.example"), ("domain", "@customer.example"), ("phone", PHONE), ("visitor", "vis_1")],
)
async def test_each_kind_covers_its_own(bench: Any, kind: str, value: str) -> None:
    """An address, a domain, a number and a visitor are blocked each by themselves, however they are spelt (L9)."""
    await blocked(bench, kind, value)
    entries = await bench.receive(
        bench.inbox.mail(sender=CARL), bench.inbox.sms(sender=PHONE), bench.inbox.chat(visitor="vis_1")
    )
    concerned = {"email": 0, "domain": 0, "phone": 1, "visitor": 2}[kind]

    assert [entry.verdict == "blocked" for entry in entries] == [one == concerned for one in range(3)]
    assert entries[concerned].rule == f"blocked_{kind}"


async def test_a_contact_is_blocked_under_every_address(bench: Any) -> None:
    """Blocking a contact covers all it is known by, and whoever follows contacts is told (L9)."""
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL))
    report = ContactUpdated(
        id=new_id("evt"),
        account_id="acc_1",
        time=bench.clock.now(),
        contact=ContactIdentity(email=CARL, phone=PHONE),
    )
    await bench.platform.bus.publish([report])
    changed = await bench.hear(ContactChanged, count=2)
    contact_id = changed[-1].contact_id
    answer = await bench.do("POST", f"/v1/contacts/{contact_id}/block")
    again = await bench.do("POST", f"/v1/contacts/{contact_id}/block")
    await hidden(bench, entry.ticket_id)
    (by_sms,) = await bench.receive(bench.inbox.sms(sender=PHONE))
    await bench.hear(ContactChanged, blocked=True)
    unblocked = await bench.do("POST", f"/v1/contacts/{contact_id}/unblock")
    await bench.hear(TicketVisibilityChanged, ticket_id=entry.ticket_id, hidden=False)

    assert answer.json()["id"] == again.json()["id"]
    assert (by_sms.verdict, by_sms.rule) == ("blocked", "blocked_contact")
    assert unblocked.json()["state"] == "lifting"


async def test_a_stop_of_a_blocked_number_counts(bench: Any) -> None:
    """STOP is heard from a blocked number: consent ends, whatever intake does with its messages (M5, L9)."""
    await bench.receive(bench.inbox.sms(sender=PHONE))
    await bench.consents(marketing=True)
    await blocked(bench, "phone", PHONE)
    await bench.consents(stopped=True)
    (last,) = bench.heard(ContactChanged)[-1:]

    assert last.sms_consent[PHONE].stopped


async def test_after_a_month_a_block_purges_and_still_holds(bench: Any) -> None:
    """30 days later tickets and messages set aside are gone for good, and the address is blocked on, unnamed (L9)."""
    (entry,) = await bench.receive(bench.inbox.mail("old words", sender=CARL))
    block = await blocked(bench, "email", CARL)
    await hidden(bench, entry.ticket_id)
    (kept,) = await bench.receive(bench.inbox.mail("kept words", sender=CARL))
    bench.clock.advance(A_MONTH)

    async def is_purged() -> bool:
        ticket = await bench.platform.store.collection(TICKETS).get(entry.ticket_id)
        shown = await bench.get(f"/v1/blocks/{block['id']}")
        return bool(shown["state"] == "purged" and ticket.erased_at is not None)

    await eventually(is_purged, seconds=15)
    (after,) = await bench.receive(bench.inbox.mail("new words", sender=CARL))
    shown = await bench.get(f"/v1/blocks/{block['id']}")
    stored = await bench.platform.store.collection(KEPT).find(Eq("block_id", block["id"]))
    audit = await bench.get("/v1/audit", target=block["id"])

    assert (kept.verdict, after.verdict) == ("blocked", "blocked")
    assert sorted(one["action"] for one in audit["items"]) == ["contact.blocked", "contact.purged"]
    assert shown["value"] is None
    assert stored.items == []
    assert (await bench.do("GET", f"/v1/tickets/{entry.ticket_id}")).status_code == httpx.codes.NOT_FOUND


async def test_a_purge_of_one_address_leaves_the_others(bench: Any) -> None:
    """A contact whose number is purged lives on under the address, with what was written from there (L9)."""
    (by_mail,) = await bench.receive(bench.inbox.mail("by mail", sender=CARL))
    report = ContactUpdated(
        id=new_id("evt"), account_id="acc_1", time=bench.clock.now(), contact=ContactIdentity(email=CARL, phone=PHONE)
    )
    await bench.platform.bus.publish([report])
    await bench.hear(ContactChanged, phones=(PHONE,))
    (by_sms,) = await bench.receive(bench.inbox.sms("by sms", sender=PHONE))
    await blocked(bench, "phone", PHONE, hard=True)
    last = (await bench.hear(ContactChanged, emails=(CARL,), phones=(), count=2))[-1]
    gone = await bench.do("GET", f"/v1/tickets/{by_sms.ticket_id}")

    assert last.contact_id == (await bench.get(f"/v1/tickets/{by_mail.ticket_id}"))["contact"]["id"]
    assert gone.status_code == httpx.codes.NOT_FOUND
    assert await bench.thread(by_mail.ticket_id) == [("inbound", "by mail")]


async def test_who_is_forgotten_while_blocked_stays_blocked_unnamed(bench: Any) -> None:
    """An erasure forgets what a block set aside of them; their block holds on, and names nobody (L9, S3)."""
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL))
    contact_id = (await bench.get(f"/v1/tickets/{entry.ticket_id}"))["contact"]["id"]
    by_contact = (await bench.do("POST", f"/v1/contacts/{contact_id}/block")).json()
    await hidden(bench, entry.ticket_id)
    (kept,) = await bench.receive(bench.inbox.mail("kept words", sender=CARL))
    await bench.do("POST", f"/v1/contacts/{contact_id}/erase")

    async def is_unnamed() -> bool:
        return bool((await bench.get(f"/v1/blocks/{by_contact['id']}"))["state"] == "purged")

    await eventually(is_unnamed, seconds=15)
    (after,) = await bench.receive(bench.inbox.mail(sender=CARL))
    stored = await bench.platform.store.collection(KEPT).find(Eq("block_id", by_contact["id"]))
    values = [one["value"] for one in (await bench.get("/v1/blocks"))["items"]]

    assert (kept.verdict, after.verdict) == ("blocked", "blocked")
    assert stored.items == []
    assert values == [None, None]


async def test_the_hard_preset_purges_at_once(bench: Any) -> None:
    """With `block_preset` `hard` a block forgets at once what was written (L9)."""
    await bench.set("tickets", TicketSettings(block_preset="hard"))
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL))
    await blocked(bench, "email", CARL)

    async def is_gone() -> bool:
        answer = await bench.do("GET", f"/v1/tickets/{entry.ticket_id}")
        return bool(answer.status_code == httpx.codes.NOT_FOUND)

    assert await eventually(is_gone, seconds=15)


async def test_values_that_cannot_be_blocked_are_refused(bench: Any) -> None:
    """What is no number, address, domain or contact is refused with a code, and so is another account's block (S4)."""
    refused = [
        await bench.do("POST", "/v1/blocks", {"kind": kind, "value": value})
        for kind, value in (("phone", "12"), ("email", "carl"), ("domain", "a b"), ("contact", "con_unknown"))
    ]
    block = await blocked(bench, "phone", PHONE)
    bench.http.headers.update(await bench.as_agent("agt_9", "acc_2"))
    foreign = await bench.do("DELETE", f"/v1/blocks/{block['id']}")

    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        *((422, "invalid_value"),) * 3,
        (404, "not_found"),
    ]
    assert foreign.status_code == httpx.codes.NOT_FOUND
