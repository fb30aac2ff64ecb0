from typing import Any

import pytest

from contracts.directories import ScheduleDirectory
from contracts.outbound import OutboundMessageRequested
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings, ChatSettings
from contracts.tickets import TicketMessageAdded

TEXTS = ChatSettings(in_hours_text="We are here.", out_of_hours_text="We are back tomorrow.")
NEVER = Schedule(id="sch_never", name="Never", zone="UTC")
ALWAYS = Schedule(
    id="sch_always",
    name="Always",
    zone="UTC",
    weekly=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), (("00:00", "24:00"),)),
)


async def _hours(bench: Any, chat: ChatSettings, assignment: AssignmentSettings | None = None) -> None:
    await bench.set("schedules", ScheduleDirectory(schedules={one.id: one for one in (NEVER, ALWAYS)}))
    await bench.set("assignment", assignment or AssignmentSettings())
    await bench.set("chat", chat)


async def test_every_conversation_is_a_ticket(bench: Any):
    """Another conversation of the same visitor is another ticket (W2)."""
    entries = await bench.receive(
        bench.inbox.chat("Hi", conversation="cnv_1"),
        bench.inbox.chat("Are you there?", conversation="cnv_1", seq=2),
        bench.inbox.chat("Hi again", conversation="cnv_2"),
    )

    assert [entry.verdict for entry in entries] == ["created", "appended", "created"]
    assert entries[0].ticket_id == entries[1].ticket_id != entries[2].ticket_id


async def test_a_closed_chat_is_never_reopened(bench: Any):
    """Writing again in a closed chat opens a ticket that follows it up; the next line joins that one (W2)."""
    [first] = await bench.receive(bench.inbox.chat("Hi"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [second] = await bench.receive(bench.inbox.chat("Wait", seq=2))
    [third] = await bench.receive(bench.inbox.chat("Hello?", seq=3))
    closed = await bench.get(f"/v1/tickets/{first.ticket_id}")
    follow_up = await bench.get(f"/v1/tickets/{second.ticket_id}")

    assert (second.verdict, second.rule) == ("created", "closed_for_good")
    assert closed["status"] == "closed"
    assert follow_up["follow_up_of"] == first.ticket_id
    assert (third.verdict, third.ticket_id) == ("appended", second.ticket_id)


async def test_a_new_conversation_links_to_the_one_before(bench: Any):
    """A conversation that the gateway says follows a closed one is linked to its ticket (W2)."""
    [first] = await bench.receive(bench.inbox.chat("Hi", conversation="cnv_1"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [second] = await bench.receive(bench.inbox.chat("Hi", conversation="cnv_2", follow_up_of="cnv_1"))
    stranger = bench.inbox.chat("Hi", conversation="cnv_3", visitor="vis_2", follow_up_of="cnv_1")
    [third] = await bench.receive(stranger)
    tickets = {ticket["id"]: ticket for ticket in await bench.tickets()}

    assert tickets[second.ticket_id]["follow_up_of"] == first.ticket_id
    assert tickets[third.ticket_id]["follow_up_of"] is None


async def test_a_chat_is_not_reopened_by_hand(bench: Any):
    """Agents cannot reopen a chat (L3)."""
    [entry] = await bench.receive(bench.inbox.chat())
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/reopen")

    assert (answer.status_code, answer.json()["code"]) == (409, "reopen_forbidden")


async def test_nothing_is_said_into_a_closed_chat(bench: Any):
    """A reply to a closed chat is refused: nobody would see it (W2)."""
    [entry] = await bench.receive(bench.inbox.chat())
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hello?"})

    assert (answer.status_code, answer.json()["code"]) == (409, "conversation_closed")
    assert await bench.thread(entry.ticket_id) == [("inbound", "Hi")]


@pytest.mark.parametrize(
    ("schedule_id", "text"), [("sch_always", "We are here."), ("sch_never", "We are back tomorrow.")]
)
async def test_office_hours_are_told_once(bench: Any, schedule_id: str, text: str):
    """The first message of a conversation is answered by the hours, later ones are not (W3)."""
    await _hours(bench, TEXTS.model_copy(update={"schedule_id": schedule_id}))
    [entry] = await bench.receive(bench.inbox.chat("Hi"))
    await bench.receive(bench.inbox.chat("Anybody?", seq=2))
    requests = await bench.hear(OutboundMessageRequested)
    [said] = await bench.hear(TicketMessageAdded, kind="system")

    assert await bench.thread(entry.ticket_id) == [("inbound", "Hi"), ("system", text), ("inbound", "Anybody?")]
    assert [(one.purpose, one.text, one.conversation_id) for one in requests] == [("auto_reply", text, "cnv_1")]
    assert (said.automatic, said.actor.kind) == (True, "system")


async def test_hours_are_not_told_again_after_closing(bench: Any):
    """A conversation that goes on in a follow-up ticket was told the hours already (W3)."""
    await _hours(bench, TEXTS.model_copy(update={"schedule_id": "sch_always"}))
    [first] = await bench.receive(bench.inbox.chat("Hi"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [second] = await bench.receive(bench.inbox.chat("Wait", seq=2))

    assert await bench.thread(second.ticket_id) == [("inbound", "Wait")]


async def test_hours_of_assignment_apply_without_own(bench: Any):
    """Without a schedule of its own the chat goes by that of assignment (W3)."""
    await _hours(bench, TEXTS, AssignmentSettings(schedule_id="sch_never"))
    [entry] = await bench.receive(bench.inbox.chat("Hi"))

    assert await bench.thread(entry.ticket_id) == [("inbound", "Hi"), ("system", "We are back tomorrow.")]


async def test_without_schedule_nothing_is_told(bench: Any):
    """Neither text is sent if no schedule is set (W3)."""
    await _hours(bench, TEXTS)
    [entry] = await bench.receive(bench.inbox.chat("Hi"))

    assert await bench.thread(entry.ticket_id) == [("inbound", "Hi")]


async def test_a_schedule_that_is_gone_counts_as_none(bench: Any):
    """A chat that names a schedule which was removed meanwhile opens its ticket, and is told no hours (W3)."""
    await _hours(bench, TEXTS.model_copy(update={"schedule_id": "sch_gone"}))
    [entry] = await bench.receive(bench.inbox.chat("Hi"))

    assert entry.verdict == "created"
    assert await bench.thread(entry.ticket_id) == [("inbound", "Hi")]


async def test_a_reply_goes_into_the_conversation(bench: Any):
    """A reply in a chat names the conversation and the visitor."""
    [entry] = await bench.receive(bench.inbox.chat("Hi"))
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hello!"})
    [request] = await bench.hear(OutboundMessageRequested)

    assert (request.conversation_id, request.recipient.visitor_id) == ("cnv_1", "vis_1")
    assert (request.sender, request.mail) == ("", None)


async def test_a_note_never_leaves(bench: Any):
    """A note joins the thread for agents; nothing but its existence is published, and no text (W5, N1)."""
    [entry] = await bench.receive(bench.inbox.chat("Hi"))
    answer = await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/notes", {"text": "Customer is rude"})
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hello!"})
    requests = await bench.hear(OutboundMessageRequested)

    assert answer.status_code == 201
    assert [request.text for request in requests] == ["Hello!"]
    assert "rude" not in str(bench.told)
    assert ("note", "Customer is rude") in await bench.thread(entry.ticket_id)
