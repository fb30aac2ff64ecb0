from datetime import timedelta
from typing import Any

from contracts.people import Actor
from contracts.tickets import TicketEvent, TicketMessageAdded
from service_kit.docstore import Eq
from tickets.ticket.model import MESSAGES, TICKETS, Message
from tickets.writing.conversation import added


async def test_history_is_what_was_published(bench: Any):
    """The history of a ticket is exactly its published events, numbered from one without a gap (L5, E1)."""
    [entry] = await bench.receive(bench.inbox.sms("one"))
    await bench.consents(transactional=True)
    path = f"/v1/tickets/{entry.ticket_id}"
    until = (bench.clock.now() + timedelta(hours=1)).isoformat()
    await bench.do("PUT", f"{path}/assignee", {"agent_id": "agt_1"})
    await bench.do("PUT", f"{path}/tags", {"tags": ["vip"]})
    await bench.do("POST", f"{path}/messages", {"text": "Hello"})
    await bench.do("POST", f"{path}/notes", {"text": "Nice customer"})
    await bench.do("POST", f"{path}/snooze", {"until": until})
    await bench.do("POST", f"{path}/close")
    await bench.do("POST", f"{path}/reopen")
    await bench.receive(bench.inbox.sms("two"))
    told = await bench.hear(TicketEvent, count=10)
    history = (await bench.get(f"{path}/events"))["items"]

    assert [event.seq for event in told] == list(range(1, 11))
    assert [(item["seq"], item["type"]) for item in history] == [(event.seq, event.type) for event in told]
    assert history[2]["actor"] == {"kind": "agent", "id": "agt_1"}
    assert history[3]["data"]["added"] == ["vip"]
    versions = [event.ticket.version for event in told]
    assert versions == sorted(versions)


async def test_history_in_pages(bench: Any):
    """The history comes in pages, in order (L5)."""
    entries = await bench.receive(*(bench.inbox.sms(str(number)) for number in range(4)))
    path = f"/v1/tickets/{entries[0].ticket_id}/events"
    first = await bench.get(path, limit=3)
    second = await bench.get(path, limit=3, cursor=first["next_cursor"])

    assert [item["seq"] for item in first["items"] + second["items"]] == [1, 2, 3, 4, 5]


async def test_a_bus_that_is_away_delays_and_loses_nothing(bench: Any):
    """With the bus down an agent's change is stored, shown and in the history; it is published later (I8)."""
    [entry] = await bench.receive(bench.inbox.mail())
    path = f"/v1/tickets/{entry.ticket_id}"
    before = len(bench.heard(TicketEvent))
    await bench.platform.bus.stop()
    answer = await bench.do("POST", f"{path}/messages", {"text": "Hello"})
    shown = (await bench.get(f"{path}/messages"))["items"]
    history = (await bench.get(f"{path}/events"))["items"]

    assert answer.status_code == 201
    assert (answer.json()["seq"], shown[-1]["text"]) == (2, "Hello")
    assert [item["seq"] for item in history] == [1, 2, 3]
    assert len(bench.heard(TicketEvent)) == before


async def test_the_relay_publishes_what_was_left(bench: Any):
    """A ticket written just before a crash is published by the relay, and its message gets its place (I8)."""
    await bench.receive(bench.inbox.mail())
    store = bench.platform.store
    [ticket] = (await store.collection(TICKETS).find(Eq("account_id", "acc_1"))).items
    note = Message(
        id="msg_note",
        account_id="acc_1",
        ticket_id=ticket.id,
        kind="note",
        author=Actor(kind="agent", id="agt_1"),
        text="Look",
        created_at=bench.clock.now(),
    )
    await store.collection(MESSAGES).insert_many([note])
    await store.collection(TICKETS).replace_many([added(ticket, note, cause="agent", now=bench.clock.now())])
    hidden = await bench.thread(ticket.id)
    bench.clock.advance(timedelta(seconds=3))
    [told] = await bench.hear(TicketMessageAdded, kind="note")

    assert len(hidden) == 1
    assert (told.message_id, told.message_seq) == ("msg_note", 2)
    assert (await bench.thread(ticket.id))[1] == ("note", "Look")
