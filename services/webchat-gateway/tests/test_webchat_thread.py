"""Visitors and agents in one thread, over real websockets: numbers, acks, resumption."""

from typing import Any

from contracts.deliveries import DeliveryUpdated
from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from contracts.tickets import TicketClosed
from webchat_gateway.store import ChatStore


def _shown(frames: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    return [(one["seq"], one["from"], one["text"]) for one in frames]


async def test_a_message_is_on_the_bus_when_it_is_acknowledged(chat: Any) -> None:
    """An ack means that tickets will hear of the message, by the visitor's own name for it (I3, I4)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        seq = await visitor.say("c1", "Hello, is anybody there?")
        (event,) = await chat.said(InboundMessageReceived)

    assert welcome["seq"] == 0
    assert seq == 1
    assert (event.channel, event.text, event.account_id) == ("web_chat", "Hello, is anybody there?", "acc_1")
    assert event.chat.conversation_id == welcome["conversation_id"]
    assert (event.chat.conversation_seq, event.chat.follow_up_of) == (1, None)
    assert event.contact_key == event.sender.visitor_id
    assert event.provider_message_id == f"{welcome['conversation_id']}/c1"


async def test_a_message_sent_again_keeps_its_number(chat: Any) -> None:
    """The same client_id is one message, over this socket or the next, and is acknowledged each time (I4)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        numbers = [await visitor.say("c1", "Hi"), await visitor.say("c1", "Hi"), await visitor.say("c2", "There")]
    async with chat.visitor() as visitor:
        again = await visitor.hello(token=welcome["token"], seq=2)
        numbers.append(await visitor.say("c1", "Hi"))
        await visitor.say("c3", "?")
        events = await chat.said(InboundMessageReceived, 3)

    assert numbers == [1, 1, 2, 1]
    assert again["seq"] == 2
    assert [event.text for event in events] == ["Hi", "There", "?"]


async def test_a_resumed_socket_gets_what_it_missed_and_nothing_else(chat: Any) -> None:
    """Token and number bring back exactly the rest of the thread (W1)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "Hi")
        await chat.tell(chat.reply(welcome["conversation_id"], "r1", "Hello!"))
        await visitor.expect("message")
    await chat.tell(chat.reply(welcome["conversation_id"], "r2", "Still there?"))
    await chat.said(DeliveryUpdated, 2)
    async with chat.visitor() as visitor:
        again = await visitor.hello(token=welcome["token"], seq=1)
        missed = [await visitor.expect("message"), await visitor.expect("message")]
        await visitor.silence()
    async with chat.visitor() as visitor:
        whole = await visitor.hello(token=welcome["token"], seq=99)
        thread = [await visitor.expect("message") for _ in range(3)]
        await visitor.silence()

    assert (again["conversation_id"], again["seq"]) == (welcome["conversation_id"], 3)
    assert _shown(missed) == [(2, "agent", "Hello!"), (3, "agent", "Still there?")]
    assert whole["seq"] == 3
    assert _shown(thread) == [(1, "visitor", "Hi"), *_shown(missed)]


async def test_a_forged_or_foreign_token_begins_anew(chat: Any) -> None:
    """A token opens the one conversation we signed it for, and no other."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "secret")
    conversation_id, signature = welcome["token"].split(".")
    forged = "b" if signature[0] == "a" else "a"
    for token in (f"{conversation_id}.{forged}{signature[1:]}", conversation_id, "cnv_1.", "x" * 300):
        async with chat.visitor() as visitor:
            begun = await visitor.hello(token=token, seq=0)
            await visitor.silence()

        assert begun["conversation_id"] != conversation_id
        assert begun["seq"] == 0


async def test_a_visitor_who_says_nothing_costs_nothing(chat: Any) -> None:
    """Pages are opened far more often than chats: a conversation is stored with its first message, under its token."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
    async with chat.visitor() as visitor:
        again = await visitor.hello(token=welcome["token"])
        before = await ChatStore(chat.platform.store).conversation(welcome["conversation_id"])
        await visitor.say("c1", "Hi")
        after = await ChatStore(chat.platform.store).conversation(welcome["conversation_id"])

    assert again["conversation_id"] == welcome["conversation_id"]
    assert before is None
    assert after is not None


async def test_an_ack_comes_after_everything_below_it_and_before_everything_above(chat: Any) -> None:
    """Two sockets that talk over each other both get each number once, in order (W1)."""
    async with chat.visitor() as first, chat.visitor() as second:
        welcome = await first.hello()
        await first.say("a0", "open")
        await second.hello(token=welcome["token"], seq=1)
        for number in range(20):
            await first.send("message", client_id=f"a{number + 1}", text="from the first")
            await second.send("message", client_id=f"b{number + 1}", text="from the second")
        for visitor in (first, second):
            while visitor.frames[-1].get("seq") != 41:
                await visitor.next()

    assert [one["seq"] for one in first.frames if one["type"] != "welcome"] == list(range(1, 42))
    assert [one["seq"] for one in second.frames if one["type"] != "welcome"] == list(range(2, 42))
    assert sum(one["type"] == "ack" for one in second.frames) == 20


async def test_the_bus_has_a_conversation_in_order(chat: Any) -> None:
    """Messages sent without waiting for acks reach tickets in the order of their numbers (I5)."""
    async with chat.visitor() as visitor:
        await visitor.hello()
        for number in range(1, 31):
            await visitor.send("message", client_id=f"c{number}", text=str(number))
        acks = [await visitor.expect("ack") for _ in range(30)]
        events = await chat.said(InboundMessageReceived, 30)

    assert [ack["seq"] for ack in acks] == list(range(1, 31))
    assert [event.text for event in events] == [str(number) for number in range(1, 31)]
    assert [event.chat.conversation_seq for event in events] == list(range(1, 31))


async def test_a_reply_joins_the_thread_once_however_often_it_is_asked_for(chat: Any) -> None:
    """A redelivered reply is one message with one report; an automatic text is the system's (I8)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "Hi")
        reply = chat.reply(welcome["conversation_id"], "r1", "On my way.")
        text = chat.reply(welcome["conversation_id"], "s1", "We are open.", purpose="auto_reply")
        await chat.tell(reply, reply, text, reply)
        frames = [await visitor.expect("message"), await visitor.expect("message")]
        reports = await chat.said(DeliveryUpdated, 4)
        await visitor.silence()

    assert _shown(frames) == [(2, "agent", "On my way."), (3, "system", "We are open.")]
    assert {(report.message_id, report.state) for report in reports} == {("msg_r1", "sent"), ("msg_s1", "sent")}
    assert len({report.id for report in reports}) == 2


async def test_a_reply_to_nobody_is_reported_failed(chat: Any) -> None:
    """A conversation that is unknown, or another account's, takes no message, and the agent sees it failed."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "Hi")
        await chat.tell(
            chat.reply("cnv_unknown", "r1", "Hello?"),
            chat.reply(welcome["conversation_id"], "r2", "Hello?", account_id="acc_2"),
        )
        reports = await chat.said(DeliveryUpdated, 2)
        await visitor.silence()

    assert [(report.message_id, report.state) for report in reports] == [("msg_r1", "failed"), ("msg_r2", "failed")]


async def test_a_visitor_cannot_take_the_name_of_a_reply(chat: Any) -> None:
    """A client_id that equals an outgoing message's id swallows nothing."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("msg_r1", "Hi")
        await chat.tell(chat.reply(welcome["conversation_id"], "r1", "Hello!"))
        frame = await visitor.expect("message")

    assert (frame["from"], frame["text"]) == ("agent", "Hello!")


async def test_notes_reach_no_visitor(chat: Any) -> None:
    """What happens inside a ticket, notes above all, moves nothing in the chat (W5)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "Hi")
        conversation_id = welcome["conversation_id"]
        await chat.tell(
            chat.added(conversation_id),
            chat.added(conversation_id, kind="note", message_id="msg_note", message_seq=2),
            chat.added(conversation_id, kind="system", message_id="msg_system", message_seq=3),
        )
        await chat.tell(chat.ticket(TicketClosed))
        await visitor.expect("closed")
        await visitor.silence()
    async with chat.visitor() as visitor:
        await visitor.hello(token=welcome["token"], seq=0)
        thread = [await visitor.expect("message"), await visitor.expect("closed")]
        await visitor.silence()

    assert thread[0]["text"] == "Hi"


async def test_a_profile_goes_to_tickets_and_with_every_message(chat: Any) -> None:
    """What the visitor says of themselves is told at once, and does not wipe what was said before (W6)."""
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.send("profile", name="Zoé", email="zoe@customer.example")
        await visitor.send("profile", name="Zoé Martin")
        await visitor.say("c1", "Hi")
        profiles = await chat.said(ContactProfileGiven, 2)
        (event,) = await chat.said(InboundMessageReceived)

    assert [(one.name, one.email) for one in profiles] == [
        ("Zoé", "zoe@customer.example"),
        ("Zoé Martin", "zoe@customer.example"),
    ]
    assert {one.conversation_id for one in profiles} == {welcome["conversation_id"]}
    assert (event.sender.name, event.sender.email) == ("Zoé Martin", "zoe@customer.example")
