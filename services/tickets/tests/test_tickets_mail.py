from datetime import timedelta
from typing import Any

import pytest

from contracts.inbound import Automatic
from contracts.outbound import OutboundMessageRequested
from contracts.settings import TicketSettings
from contracts.tickets import TicketDeliveryUpdated, TicketReopened

SUPPORT = "support@acme.example"


async def _reply(bench: Any, ticket_id: str | None, text: str = "On its way.") -> OutboundMessageRequested:
    """An agent's reply, as the notifier is asked to send it."""
    answer = await bench.do("POST", f"/v1/tickets/{ticket_id}/messages", {"text": text})
    assert answer.status_code == 201, answer.text
    [request] = await bench.hear(OutboundMessageRequested, message_id=answer.json()["id"])
    assert isinstance(request, OutboundMessageRequested)
    return request


async def test_a_reply_leaves_as_mail(bench: Any):
    """A reply goes to the customer with the headers that keep its thread together, and CC is kept (X8)."""
    mail = bench.inbox.mail(mail_id="one@customer.example", cc=["boss@customer.example", SUPPORT])
    [entry] = await bench.receive(mail)
    request = await _reply(bench, entry.ticket_id)

    assert (request.channel, request.purpose, request.sender) == ("email", "reply", SUPPORT)
    assert request.recipient.email == "carl@customer.example"
    assert (request.subject, request.text, request.author_name) == ("Re: Order", "On its way.", "Ann")
    assert request.mail is not None
    assert (request.mail.in_reply_to, request.mail.references) == ("one@customer.example", ("one@customer.example",))
    assert request.mail.cc == ("boss@customer.example",)
    assert request.mail.message_id.endswith("@acme.example")
    assert request.mail.reply_to is not None
    assert request.mail.reply_to.startswith("support+")


@pytest.mark.parametrize("by", ["token", "references", "in_reply_to", "foreign"])
async def test_an_answer_finds_its_ticket(bench: Any, by: str):
    """An answer joins its ticket by plus-address, by our Message-ID, or by the customer's own (X2)."""
    [entry] = await bench.receive(bench.inbox.mail(mail_id="one@customer.example"))
    request = await _reply(bench, entry.ticket_id)
    assert request.mail is not None
    assert request.mail.reply_to is not None
    token = request.mail.reply_to.partition("+")[2].partition("@")[0]
    clues: dict[str, dict[str, Any]] = {
        "token": {"token": token.upper()},
        "references": {"references": [f"<{request.mail.message_id}>"]},
        "in_reply_to": {"in_reply_to": [request.mail.message_id]},
        "foreign": {"references": ["unknown@nowhere.example", "one@customer.example"]},
    }
    [answer] = await bench.receive(bench.inbox.mail("Thanks", **clues[by]))

    rules = {"token": "signed_address", "references": "signed_message_id", "foreign": "references"}
    assert (answer.verdict, answer.rule) == ("appended", rules.get(by, "signed_message_id"))
    assert answer.ticket_id == entry.ticket_id


async def test_a_forged_token_finds_nothing(bench: Any):
    """A plus-address that we did not sign is no clue (X2)."""
    [entry] = await bench.receive(bench.inbox.mail())
    forged = f"{entry.ticket_id.removeprefix('tic_')}.{'a' * 16}"
    [other] = await bench.receive(bench.inbox.mail(token=forged))

    assert (other.verdict, other.rule) == ("created", "new_thread")


async def test_mail_overtakes_mail(bench: Any):
    """A mail that arrives after the answer to it joins the answer's ticket (X2)."""
    answer = bench.inbox.mail("Second", mail_id="two@customer.example", references=["one@customer.example"])
    [second] = await bench.receive(answer)
    [first] = await bench.receive(bench.inbox.mail("First", mail_id="one@customer.example"))

    assert (first.verdict, first.rule, first.ticket_id) == ("appended", "overtaken", second.ticket_id)


async def test_strangers_do_not_join(bench: Any):
    """Two customers answering one newsletter get two tickets; the second is linked (X3)."""
    newsletter = ["news@shop.example"]
    [first] = await bench.receive(bench.inbox.mail(sender="a@customer.example", references=newsletter))
    [second] = await bench.receive(bench.inbox.mail(sender="b@customer.example", references=newsletter))
    [own, other] = await bench.tickets()

    assert (second.verdict, second.rule) == ("created", "not_a_participant_shared_reference")
    assert (own["id"], own["suspected_thread_of"]) == (first.ticket_id, None)
    assert (other["id"], other["suspected_thread_of"]) == (second.ticket_id, first.ticket_id)


async def test_who_was_in_copy_may_join(bench: Any):
    """Somebody who was CC'd belongs to the thread, stays in copy, and does not replace the customer (X3, X8)."""
    mail = bench.inbox.mail(mail_id="one@customer.example", cc=["boss@customer.example"])
    [entry] = await bench.receive(mail)
    from_boss = bench.inbox.mail("Urgent!", sender="Boss@customer.example", references=["one@customer.example"])
    [joined] = await bench.receive(from_boss)
    request = await _reply(bench, entry.ticket_id)

    assert (joined.verdict, joined.ticket_id) == ("appended", entry.ticket_id)
    assert request.recipient.email == "carl@customer.example"
    assert request.mail is not None
    assert request.mail.cc == ("boss@customer.example",)


async def test_empty_ids_never_match(bench: Any):
    """Mails with empty ids are strangers to each other (X2)."""
    first = bench.inbox.mail(mail_id="", provider_message_id="p1", references=["", "<>"], in_reply_to=[" "])
    second = bench.inbox.mail(mail_id="", provider_message_id="p2", references=["<>"], in_reply_to=[""])
    entries = await bench.receive(first, second)

    assert {entry.verdict for entry in entries} == {"created"}
    assert entries[0].ticket_id != entries[1].ticket_id


async def test_an_answer_reopens_whatever_the_time(bench: Any):
    """A reply on a closed thread reopens it, also after a year, and a new cycle begins (X5, L5)."""
    [entry] = await bench.receive(bench.inbox.mail(mail_id="one@customer.example"))
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    bench.clock.advance(timedelta(days=365))
    [again] = await bench.receive(bench.inbox.mail("Again", references=["one@customer.example"]))
    [reopened] = await bench.hear(TicketReopened)
    ticket = await bench.get(f"/v1/tickets/{entry.ticket_id}")

    assert (again.verdict, again.ticket_id) == ("reopened", entry.ticket_id)
    assert (reopened.cause, reopened.actor.kind, reopened.ticket.cycle) == ("customer_reply", "customer", 2)
    assert (ticket["status"], ticket["cycle"]) == ("open", 2)


async def test_a_new_thread_is_a_new_ticket(bench: Any):
    """Another thread of the same sender is another ticket (X5)."""
    [first] = await bench.receive(bench.inbox.mail())
    [second] = await bench.receive(bench.inbox.mail())

    assert first.ticket_id != second.ticket_id


async def test_status_page_reopens_the_last_ticket(bench: Any):
    """With the preset `status_page` a new thread reopens the last ticket within three days of closing (X5)."""
    await bench.set("tickets", TicketSettings(reopen_preset="status_page"))
    [first] = await bench.receive(bench.inbox.mail())
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    bench.clock.advance(timedelta(days=2))
    [second] = await bench.receive(bench.inbox.mail())
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    bench.clock.advance(timedelta(days=4))
    [third] = await bench.receive(bench.inbox.mail())

    assert (second.verdict, second.rule, second.ticket_id) == ("reopened", "new_thread_reopens_last", first.ticket_id)
    assert third.verdict == "created"


async def test_status_page_continues_an_old_thread_elsewhere(bench: Any):
    """After the window an answer opens a follow-up, and the next answer joins that one (X5)."""
    await bench.set("tickets", TicketSettings(reopen_preset="status_page"))
    [first] = await bench.receive(bench.inbox.mail(mail_id="one@customer.example"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    bench.clock.advance(timedelta(days=4))
    [second] = await bench.receive(bench.inbox.mail("Again", references=["one@customer.example"]))
    [third] = await bench.receive(bench.inbox.mail("And", references=["one@customer.example"]))
    ticket = await bench.get(f"/v1/tickets/{second.ticket_id}")

    assert (second.verdict, second.rule) == ("created", "reopen_window_over")
    assert ticket["follow_up_of"] == first.ticket_id
    assert (third.verdict, third.ticket_id) == ("appended", second.ticket_id)


async def test_automatic_mail_never_reopens(bench: Any):
    """A vacation answer is shown on the closed ticket and leaves it closed (X7)."""
    [entry] = await bench.receive(bench.inbox.mail(mail_id="one@customer.example"))
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    away = bench.inbox.mail("I am away", references=["one@customer.example"], automatic="auto_reply")
    [verdict] = await bench.receive(away)
    ticket = await bench.get(f"/v1/tickets/{entry.ticket_id}")

    assert (verdict.verdict, verdict.ticket_id) == ("automatic", entry.ticket_id)
    assert (ticket["status"], ticket["message_count"]) == ("closed", 2)


async def test_our_own_mail_makes_no_ticket(bench: Any):
    """Our own mail coming back is recorded and makes nothing (X7)."""
    [entry] = await bench.receive(bench.inbox.mail(automatic="own"))

    assert (entry.verdict, entry.ticket_id) == ("automatic", None)
    assert await bench.tickets() == []


async def test_a_bounce_marks_the_message(bench: Any):
    """A bounce joins the ticket of the message it reports and marks that one failed (X7)."""
    [entry] = await bench.receive(bench.inbox.mail())
    request = await _reply(bench, entry.ticket_id)
    assert request.mail is not None
    bounce = bench.inbox.mail(
        "550 no such user",
        sender="mailer-daemon@customer.example",
        references=[request.mail.message_id],
        automatic="bounce",
    )
    [verdict] = await bench.receive(bounce)
    [told] = await bench.hear(TicketDeliveryUpdated)
    page = await bench.get(f"/v1/tickets/{entry.ticket_id}/messages")

    assert (verdict.verdict, verdict.ticket_id) == ("automatic", entry.ticket_id)
    assert (told.message_id, told.state, told.cause) == (request.message_id, "failed", "bounce")
    assert page["items"][1]["delivery"] == {"state": "failed", "reason": "bounced"}


async def test_a_report_of_a_delay_shows_the_message_as_late_never_as_failed(bench: Any):
    """A mail server that keeps trying says so on the ticket, whoever it is; a failure after that is still told (X7)."""
    [entry] = await bench.receive(bench.inbox.mail())
    request = await _reply(bench, entry.ticket_id)
    assert request.mail is not None
    sent_by_server = {"sender": "mailer-daemon@customer.example", "references": [request.mail.message_id]}
    late = Automatic(kind="auto_reply", rule="delivery_delayed")
    report = bench.inbox.mail("Still trying", **sent_by_server).model_copy(update={"automatic": late})
    [verdict] = await bench.receive(report)
    [told] = await bench.hear(TicketDeliveryUpdated)
    page = await bench.get(f"/v1/tickets/{entry.ticket_id}/messages")
    await bench.receive(bench.inbox.mail("550 given up", automatic="bounce", **sent_by_server))
    after = await bench.get(f"/v1/tickets/{entry.ticket_id}/messages")

    assert (verdict.verdict, verdict.ticket_id) == ("automatic", entry.ticket_id)
    assert (told.message_id, told.state, told.cause) == (request.message_id, "sent", "delay")
    assert page["items"][1]["delivery"] == {"state": "sent", "reason": "delayed: the receiving server keeps trying"}
    assert after["items"][1]["delivery"] == {"state": "failed", "reason": "bounced"}
