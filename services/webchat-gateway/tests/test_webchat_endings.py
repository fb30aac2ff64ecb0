"""Where one conversation ends and another begins (W2), over real websockets."""

from typing import Any

from contracts.inbound import InboundMessageReceived
from contracts.tickets import TicketClosed
from service_kit.testing.eventually import eventually
from webchat_gateway.store import ChatStore


async def _closed(chat: Any, visitor: Any, conversation_id: str, ticket_id: str = "tic_1") -> None:
    await chat.tell(chat.added(conversation_id, ticket_id), chat.ticket(TicketClosed, ticket_id))
    await visitor.expect("closed")


async def test_a_message_after_the_end_begins_a_linked_conversation(chat: Any) -> None:
    """A closed ticket says `closed`; writing again opens another conversation that follows it up (W2)."""
    async with chat.visitor() as visitor:
        first = await visitor.hello()
        await visitor.say("c1", "Hi")
        await _closed(chat, visitor, first["conversation_id"])
        await visitor.send("message", client_id="c2", text="One more thing")
        second = await visitor.expect("welcome")
        ack = await visitor.expect("ack")
        events = await chat.said(InboundMessageReceived, 2)
        await chat.tell(chat.reply(second["conversation_id"], "r1", "Yes?"))
        reply = await visitor.expect("message")

    assert second["conversation_id"] != first["conversation_id"]
    assert second["token"] != first["token"]
    assert (ack["client_id"], ack["seq"], reply["seq"]) == ("c2", 1, 2)
    assert events[1].chat.follow_up_of == first["conversation_id"]
    assert events[1].contact_key == events[0].contact_key


async def test_a_lost_welcome_makes_no_second_follow_up(chat: Any) -> None:
    """A message after the end, sent again with the old token, is one message in one conversation (I4, W2)."""
    async with chat.visitor() as visitor:
        first = await visitor.hello()
        await visitor.say("c1", "Hi")
        await _closed(chat, visitor, first["conversation_id"])
        await visitor.send("message", client_id="c2", text="One more thing")
        second = await visitor.expect("welcome")
        await visitor.expect("ack")
    async with chat.visitor() as visitor, chat.visitor() as tab:
        await visitor.hello(token=first["token"], seq=1)
        await visitor.expect("closed")
        await visitor.send("message", client_id="c2", text="One more thing")
        again, ack = await visitor.expect("welcome"), await visitor.expect("ack")
        await tab.hello(token=first["token"], seq=1)
        await tab.expect("closed")
        await tab.send("message", client_id="c3", text="And another")
        other, shown, other_ack = await tab.expect("welcome"), await tab.expect("message"), await tab.expect("ack")
        events = await chat.said(InboundMessageReceived, 3)

    assert second["conversation_id"] == again["conversation_id"] == other["conversation_id"]
    assert (ack["seq"], shown["seq"], other_ack["seq"]) == (1, 1, 2)
    assert [event.text for event in events] == ["Hi", "One more thing", "And another"]


async def test_a_message_known_before_the_end_stays_where_it_is(chat: Any) -> None:
    """A message sent again after its conversation was closed begins nothing (I4)."""
    async with chat.visitor() as visitor:
        first = await visitor.hello()
        await visitor.say("c1", "Hi")
        await _closed(chat, visitor, first["conversation_id"])
        seq = await visitor.say("c1", "Hi")

    assert seq == 1
    assert len(chat.of(InboundMessageReceived)) == 1


async def test_a_message_that_crossed_the_end_keeps_the_conversation_alive(chat: Any) -> None:
    """What an agent closed while the visitor wrote goes on as the ticket of that message, until that one is closed."""
    async with chat.visitor() as visitor:
        first = await visitor.hello()
        conversation_id = first["conversation_id"]
        await visitor.say("c1", "Hi")
        await _closed(chat, visitor, conversation_id)
        late = chat.added(conversation_id, "tic_2", created_at=chat.clock.now().replace(hour=13))
        await chat.tell(late, chat.reply(conversation_id, "r1", "Yes?", ticket_id="tic_2"))
        await visitor.expect("message")
        await eventually(lambda: _is_of(chat, conversation_id, "tic_2"))
        seq = await visitor.say("c2", "Still here")
        await chat.tell(chat.added(conversation_id, "tic_1"), chat.ticket(TicketClosed, "tic_1"))
        await chat.tell(chat.ticket(TicketClosed, "tic_2"))
        await visitor.expect("closed")
        await visitor.silence()

    assert seq == 3


async def _is_of(chat: Any, conversation_id: str, ticket_id: str) -> bool:
    stored = await ChatStore(chat.platform.store).conversation(conversation_id)
    return bool(stored and stored.ticket_id == ticket_id and not stored.closed)


async def test_a_visitor_may_start_over(chat: Any) -> None:
    """`new` is another conversation of the same visitor; a repeated wish with its name is the same one (W2)."""
    async with chat.visitor() as visitor:
        first = await visitor.hello()
        await visitor.say("c1", "Hi")
        await visitor.send("new")
        second = await visitor.expect("welcome")
        await visitor.send("new", client_id="n1")
        third = await visitor.expect("welcome")
        await visitor.say("c1", "Something else")
    async with chat.visitor() as visitor:
        await visitor.hello(token=second["token"], seq=0)
        await visitor.send("new", client_id="n1")
        again, shown = await visitor.expect("welcome"), await visitor.expect("message")
        events = await chat.said(InboundMessageReceived, 2)

    assert len({one["conversation_id"] for one in (first, second, third)}) == 3
    assert again["conversation_id"] == third["conversation_id"]
    assert shown["text"] == "Something else"
    assert [event.chat.follow_up_of for event in events] == [None, first["conversation_id"]]
    assert events[0].contact_key == events[1].contact_key
