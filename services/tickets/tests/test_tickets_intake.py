from typing import Any

from contracts.contacts import ContactChanged
from contracts.inbound import ContactProfileGiven
from contracts.intake import IntakeVerdictRecorded
from contracts.tickets import TicketCreated, TicketMessageAdded
from service_kit.testing.eventually import eventually


async def test_first_message_opens_a_ticket(bench: Any):
    """A customer's message opens a ticket with a contact, an event and one verdict (I1, I2)."""
    [entry] = await bench.receive(bench.inbox.mail("Where is it?\n", sender="Carl@Customer.example"))
    [ticket] = await bench.tickets()
    [created] = await bench.hear(TicketCreated)
    [contact] = await bench.hear(ContactChanged)

    assert (entry.verdict, entry.rule, entry.ticket_id) == ("created", "new_thread", ticket["id"])
    assert (ticket["number"], ticket["status"], ticket["channel"]) == (1, "open", "email")
    assert ticket["contact"]["email"] == "carl@customer.example"
    assert created.ticket.contact_id == contact.contact_id
    assert await bench.thread(ticket["id"]) == [("inbound", "Where is it?\n")]


async def test_deliveries_of_one_message_in_one_batch(bench: Any):
    """The same provider message thrice in one batch is one message; the others are duplicates (I4)."""
    message = bench.inbox.sms("Hello", provider_id="SM1")
    again = [bench.inbox.sms("Hello", provider_id="SM1") for _ in range(2)]
    entries = await bench.receive(message, *again)
    [ticket] = await bench.tickets()

    assert [entry.verdict for entry in entries] == ["created", "duplicate", "duplicate"]
    assert {entry.ticket_id for entry in entries} == {ticket["id"]}
    assert await bench.thread(ticket["id"]) == [("inbound", "Hello")]


async def test_deliveries_of_one_message_across_batches(bench: Any):
    """A message delivered again later changes nothing and says nothing (I4)."""
    await bench.receive(bench.inbox.sms("Hello", provider_id="SM1"))
    [entry] = await bench.receive(bench.inbox.sms("Hello", provider_id="SM1"))
    [ticket] = await bench.tickets()
    await bench.receive(bench.inbox.sms("Bye", provider_id="SM2"))
    events = await bench.hear(TicketMessageAdded, count=2)

    assert (entry.verdict, entry.rule) == ("duplicate", "same_message")
    assert ticket["message_count"] == 1
    assert [event.message_seq for event in events] == [1, 2]


async def test_same_record_again_keeps_its_verdict(bench: Any):
    """A record that the bus delivers twice still has one verdict (I2)."""
    message = bench.inbox.sms("Hello")
    [first] = await bench.receive(message)
    await bench.platform.bus.publish([message])
    await bench.receive(bench.inbox.sms("Next"))
    page = await bench.get("/v1/intake", provider_message_id=message.provider_message_id)

    assert [(item["id"], item["verdict"]) for item in page["items"]] == [(message.id, first.verdict)]


async def test_two_messages_at_once_make_one_ticket(bench: Any):
    """Two messages of one person within one batch make one ticket with both, in order (I5)."""
    entries = await bench.receive(bench.inbox.sms("one"), bench.inbox.sms("two"), bench.inbox.sms("three"))
    [ticket] = await bench.tickets()

    assert [entry.verdict for entry in entries] == ["created", "appended", "appended"]
    assert await bench.thread(ticket["id"]) == [("inbound", "one"), ("inbound", "two"), ("inbound", "three")]


async def test_a_flood_on_one_ticket(bench: Any):
    """Hundreds of messages for one ticket in one go are all taken, in order, though its outbox is limited (I5)."""
    flood = [bench.inbox.sms(str(number)) for number in range(230)]
    await bench.receive(*flood)
    [ticket] = await bench.tickets()
    events = await bench.hear(TicketMessageAdded, count=230)

    assert ticket["message_count"] == 230
    assert [event.message_id for event in events] == [message.message_id for message in flood]


async def test_numbers_rise(bench: Any):
    """Ticket numbers rise per account (L7)."""
    senders = [f"c{number}@customer.example" for number in range(3)]
    for sender in senders:
        await bench.receive(bench.inbox.mail(sender=sender))
    tickets = await bench.tickets()

    assert [(ticket["number"], ticket["contact"]["email"]) for ticket in tickets] == list(enumerate(senders, start=1))


async def test_unparsed_mail_still_opens_a_ticket(bench: Any):
    """A mail that could not be parsed opens a ticket all the same (I6)."""
    broken = bench.inbox.mail("", subject=None, parse_error="timed_out", raw_blob_key="acc_1/raw/1")
    [entry] = await bench.receive(broken)
    [ticket] = await bench.tickets()

    assert entry.verdict == "created"
    assert ticket["subject"] == "(no subject)"


async def test_profile_is_unverified(bench: Any):
    """What a visitor types into the form names the contact and never makes them a known one (W6)."""
    await bench.receive(bench.inbox.mail(sender="vip@customer.example"))
    profile = ContactProfileGiven(
        id="evt_profile",
        account_id="acc_1",
        time=bench.clock.now(),
        contact_key="vis_1",
        conversation_id="cnv_1",
        visitor_id="vis_1",
        name="Vera",
        email="vip@customer.example",
    )
    await bench.platform.bus.publish([profile])
    await bench.receive(bench.inbox.chat("Hi"))
    [mail, chat] = await bench.tickets()
    announced = await bench.hear(ContactChanged, contact_id=chat["contact"]["id"])

    assert chat["contact"]["id"] != mail["contact"]["id"]
    assert (chat["contact"]["name"], chat["contact"]["email"]) == ("Vera", "vip@customer.example")
    assert announced[-1].emails == ()


async def test_verdicts_of_gateways_join_the_ledger(bench: Any):
    """A delivery that a gateway ended itself is in the ledger with its reason (I2)."""
    recorded = IntakeVerdictRecorded(
        id="evt_1",
        account_id="acc_1",
        time=bench.clock.now(),
        delivery_id="dlv_q",
        provider_message_id="SM9",
        channel="sms",
        mailbox="+12025550123",
        verdict="quarantined",
        rule="signature",
        reason="bad_signature",
        received_at=bench.clock.now(),
    )
    await bench.platform.bus.publish([recorded])
    page = await eventually(lambda: _quarantined(bench))

    assert [(item["id"], item["reason"]) for item in page] == [("dlv_q", "bad_signature")]


async def test_ledger_is_narrowed(bench: Any):
    """The ledger lists by mailbox and verdict, newest first, page by page (I2)."""
    await bench.receive(bench.inbox.sms("a"), bench.inbox.sms("b"), bench.inbox.mail("c"))
    first = await bench.get("/v1/intake", mailbox="+12025550123", limit=1)
    second = await bench.get("/v1/intake", mailbox="+12025550123", limit=1, cursor=first["next_cursor"])
    created = await bench.get("/v1/intake", verdict="created")

    assert {first["items"][0]["verdict"], second["items"][0]["verdict"]} == {"created", "appended"}
    assert second["next_cursor"] is None
    assert {item["channel"] for item in created["items"]} == {"sms", "email"}


async def _quarantined(bench: Any) -> list[dict[str, Any]]:
    return list((await bench.get("/v1/intake", verdict="quarantined"))["items"])
