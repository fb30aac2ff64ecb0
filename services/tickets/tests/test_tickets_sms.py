from datetime import timedelta
from typing import Any

from contracts.outbound import OutboundMessageRequested
from contracts.settings import AccountSettings, SmsAutoResponder, SmsSettings, TicketSettings
from contracts.tickets import TicketCreated

CARL = "+33612345678"


async def _responder(bench: Any, mode: str, text: str = "Thanks!") -> None:
    await bench.set("sms", SmsSettings(auto_responder=SmsAutoResponder(mode=mode, text=text)))


async def test_one_ticket_per_person(bench: Any):
    """Later messages reopen the same ticket, whatever the time and whichever number of ours they use (M3)."""
    [first] = await bench.receive(bench.inbox.sms("one"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    bench.clock.advance(timedelta(days=100))
    [second] = await bench.receive(bench.inbox.sms("two", number="+12025550199"))
    await bench.consents(transactional=True)
    answer = await bench.do("POST", f"/v1/tickets/{first.ticket_id}/messages", {"text": "Hello"})
    [request] = await bench.hear(OutboundMessageRequested)

    assert (second.verdict, second.ticket_id) == ("reopened", first.ticket_id)
    assert answer.status_code == 201
    assert (request.sender, request.recipient.phone) == ("+12025550199", CARL)


async def test_status_page_opens_a_new_ticket_later(bench: Any):
    """With the preset `status_page` a person gets a new ticket after three days, and then that one goes on (M3)."""
    await bench.set("tickets", TicketSettings(reopen_preset="status_page"))
    [first] = await bench.receive(bench.inbox.sms("one"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    bench.clock.advance(timedelta(days=4))
    [second] = await bench.receive(bench.inbox.sms("two"))
    [third] = await bench.receive(bench.inbox.sms("three"))

    assert (second.verdict, second.rule) == ("created", "reopen_window_over")
    assert (third.verdict, third.ticket_id) == ("appended", second.ticket_id)


async def test_a_keyword_makes_no_ticket(bench: Any):
    """A keyword is recorded and makes neither ticket nor contact; delivered again it is a duplicate (M4)."""
    [first] = await bench.receive(bench.inbox.sms("HELP", keyword="HELP", provider_id="SM1"))
    [again] = await bench.receive(bench.inbox.sms("HELP", keyword="HELP", provider_id="SM1"))
    contacts = await bench.get("/v1/contacts")

    assert (first.verdict, first.rule, first.ticket_id) == ("keyword", "keyword_help", None)
    assert again.verdict == "duplicate"
    assert await bench.tickets() == []
    assert contacts["items"] == []


async def test_a_keyword_joins_an_open_ticket(bench: Any):
    """A keyword on an open ticket is appended to it; a closed one it leaves closed (M4)."""
    [first] = await bench.receive(bench.inbox.sms("Can I?"))
    [joined] = await bench.receive(bench.inbox.sms("yes", keyword="YES"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [ignored] = await bench.receive(bench.inbox.sms("yes", keyword="YES"))

    assert (joined.verdict, joined.rule, joined.ticket_id) == ("appended", "keyword_on_open_ticket", first.ticket_id)
    assert (ignored.verdict, ignored.ticket_id) == ("keyword", None)
    assert (await bench.get(f"/v1/tickets/{first.ticket_id}"))["status"] == "closed"


async def test_no_reply_without_consent(bench: Any):
    """A number that never agreed gets no reply, whoever wrote first (M5)."""
    [entry] = await bench.receive(bench.inbox.sms("Hello"))
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hi"})

    assert (answer.status_code, answer.json()["code"]) == (409, "no_sms_consent")


async def test_no_reply_after_stop(bench: Any):
    """A stop wins over consent, and the refusal leaves no trace in the thread (M5)."""
    [entry] = await bench.receive(bench.inbox.sms("Hello"))
    await bench.consents(transactional=True)
    bench.clock.advance(timedelta(minutes=1))
    await bench.consents(stopped=True)
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hi"})

    assert (answer.status_code, answer.json()["code"]) == (409, "no_sms_consent")
    assert await bench.thread(entry.ticket_id) == [("inbound", "Hello")]
    assert bench.heard(OutboundMessageRequested) == []


async def test_reply_after_start_again(bench: Any):
    """Whoever takes the stop back can be answered again (M5)."""
    [entry] = await bench.receive(bench.inbox.sms("Hello"))
    await bench.consents(stopped=True)
    bench.clock.advance(timedelta(minutes=1))
    await bench.consents(stopped=False, transactional=True)
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hi"})

    assert answer.status_code == 201


async def test_an_sms_has_a_length(bench: Any):
    """A reply that no provider would take is refused with its limit."""
    [entry] = await bench.receive(bench.inbox.sms("Hello"))
    await bench.consents(transactional=True)
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "x" * 1601})

    assert (answer.status_code, answer.json()["code"]) == (422, "text_too_long")


async def test_auto_responder_answers_who_never_consented(bench: Any):
    """By default only numbers without consent are answered, with the account's own variables (M6)."""
    await bench.set("account", AccountSettings(prefix="ACME", support_email="support@acme.example"))
    await _responder(bench, "non_consented", "{{ organization.prefix }}: write to {{ support_email }}")
    [entry] = await bench.receive(bench.inbox.sms("one"))
    await bench.consents(transactional=True)
    await bench.receive(bench.inbox.sms("two"))
    requests = await bench.hear(OutboundMessageRequested)

    texts = [text for _, text in await bench.thread(entry.ticket_id)]
    assert texts == ["one", "ACME: write to support@acme.example", "two"]
    assert [(request.purpose, request.recipient.phone) for request in requests] == [("auto_reply", CARL)]


async def test_auto_responder_respects_stop(bench: Any):
    """A number that said stop is never answered automatically (M5, M6)."""
    await _responder(bench, "all")
    await bench.consents(stopped=True)
    [entry] = await bench.receive(bench.inbox.sms("one"))

    assert await bench.thread(entry.ticket_id) == [("inbound", "one")]


async def test_auto_responder_has_a_budget(bench: Any):
    """One contact gets at most three automatic messages an hour, in one batch or several (X7, M6)."""
    await _responder(bench, "all")
    await bench.receive(*(bench.inbox.sms(f"{number}") for number in range(3)))
    await bench.receive(bench.inbox.sms("4"), bench.inbox.sms("5"))
    within = len([kind for kind, _ in await bench.thread((await bench.tickets())[0]["id"]) if kind == "system"])
    bench.clock.advance(timedelta(hours=1))
    await bench.receive(bench.inbox.sms("later"))
    after = len([kind for kind, _ in await bench.thread((await bench.tickets())[0]["id"]) if kind == "system"])

    assert (within, after) == (3, 4)


async def test_attribution_is_told(bench: Any):
    """The campaign that a first message answers is named when its ticket opens (M10)."""
    await bench.receive(bench.inbox.sms("Yes please", campaign_id="cmp_1"))
    [created] = await bench.hear(TicketCreated)

    assert created.campaign_id == "cmp_1"
