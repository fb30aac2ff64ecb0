"""Tickets that their customer does not answer close by themselves (L4)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.people import Actor
from contracts.settings import SmsAutoResponder, SmsSettings, TicketSettings
from contracts.tickets import TicketClosed
from service_kit.testing.eventually import eventually
from tickets.life.auto_close import closed_if_quiet, quiet_before
from tickets.life.life import awake, closed, reopened, snoozed
from tickets.ticket.model import Ticket

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")
HOURS = 48

MakeTicket = Callable[..., Ticket]


def _swept(ticket: Ticket, now: datetime) -> Ticket:
    return closed_if_quiet(ticket, quiet_before(HOURS, now), now=now)


@pytest.mark.parametrize(("hours", "status"), [(47, "open"), (48, "closed"), (4_800, "closed")])
def test_after_the_time(make_ticket: MakeTicket, hours: int, status: str):
    """A ticket that waits for its customer closes when the time is over, however late that is noticed."""
    after = _swept(make_ticket(quiet_since=NOON), NOON + timedelta(hours=hours))

    assert after.status == status


@pytest.mark.parametrize(
    "given",
    [
        {"quiet_since": None},
        {"quiet_since": NOON, "status": "snoozed"},
        {"quiet_since": NOON, "status": "closed"},
        {"quiet_since": NOON, "hidden_by": ("blk_1",)},
    ],
    ids=["customer-wrote-last", "snoozed", "closed", "hidden"],
)
def test_what_stays(make_ticket: MakeTicket, given: Any):
    """What waits for us, sleeps, is over or is out of sight is left as it is."""
    ticket = make_ticket(**given)

    assert _swept(ticket, NOON + timedelta(days=99)) is ticket


def test_coming_back_counts_anew(make_ticket: MakeTicket):
    """A ticket that comes back into sight is not closed under the eyes of who wanted to see it."""
    later = NOON + timedelta(days=30)
    slept = awake(
        snoozed(make_ticket(quiet_since=NOON), until=later, actor=ANN, now=NOON), actor=ANN, cause="timer", now=later
    )
    over = closed(make_ticket(quiet_since=NOON), actor=ANN, now=NOON)
    back = reopened(over, owner_stays=True, actor=ANN, cause="agent", now=later)

    assert [_swept(one, later + timedelta(hours=47)).status for one in (slept, back)] == ["open", "open"]
    assert [_swept(one, later + timedelta(hours=48)).status for one in (slept, back)] == ["closed", "closed"]


async def test_auto_close(bench: Any):
    """After an agent's answer and the account's time the ticket is closed by the system, and says why; others stay."""
    await bench.set("tickets", TicketSettings(auto_close_after_hours=HOURS))
    [answered] = await bench.receive(bench.inbox.mail())
    [waiting] = await bench.receive(bench.inbox.mail("Hello?", sender="dora@customer.example"))
    await bench.do("POST", f"/v1/tickets/{answered.ticket_id}/messages", {"text": "It is on its way."})
    sweep = _worker(bench)
    bench.clock.advance(timedelta(hours=HOURS - 1))
    await sweep()
    early = [ticket["status"] for ticket in await bench.tickets()]
    bench.clock.advance(timedelta(hours=1))
    await sweep()
    [said] = await bench.hear(TicketClosed)
    await sweep()
    late = {ticket["id"]: ticket["status"] for ticket in await bench.tickets()}

    assert early == ["open", "open"]
    assert late == {answered.ticket_id: "closed", waiting.ticket_id: "open"}
    assert (said.ticket_id, said.cause, said.actor.kind) == (answered.ticket_id, "auto_close", "system")
    assert len(bench.heard(TicketClosed)) == 1


async def test_a_customers_answer_ends_the_wait(bench: Any):
    """Who has answered is waited for no more; an automatic text of ours is no answer to the customer."""
    await bench.set("tickets", TicketSettings(auto_close_after_hours=HOURS))
    await bench.set("sms", SmsSettings(auto_responder=SmsAutoResponder(mode="all", text="We will answer soon.")))
    mail = bench.inbox.mail(mail_id="first@customer.example")
    [entry] = await bench.receive(mail)
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Which one?"})
    await bench.receive(bench.inbox.mail("The red one", references=["first@customer.example"]))
    [text] = await bench.receive(bench.inbox.sms())
    bench.clock.advance(timedelta(days=30))
    await _worker(bench)()
    tickets = {ticket["id"]: ticket["status"] for ticket in await bench.tickets()}

    assert tickets == {entry.ticket_id: "open", text.ticket_id: "open"}
    assert [kind for kind, _ in await bench.thread(text.ticket_id)] == ["inbound", "system"]


async def test_switched_off(bench: Any):
    """Without the setting nothing closes; switched on later, it holds for those that wait already."""
    [entry] = await bench.receive(bench.inbox.mail())
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Done."})
    bench.clock.advance(timedelta(days=30))
    await _worker(bench)()
    before = await bench.get(f"/v1/tickets/{entry.ticket_id}")
    await bench.set("tickets", TicketSettings(auto_close_after_hours=1))

    async def is_closed() -> bool:
        await _worker(bench)()
        return bool((await bench.get(f"/v1/tickets/{entry.ticket_id}"))["status"] == "closed")

    await eventually(is_closed, seconds=10)

    assert before["status"] == "open"


def _worker(bench: Any) -> Any:
    """One round of the service's own worker."""
    [worker] = [one for one in bench.service.workers if getattr(one, "name", "") == "tickets.auto_close"]
    return worker._run
