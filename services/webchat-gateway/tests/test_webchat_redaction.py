"""What an admin takes back is gone from the visitor's thread too (N1)."""

from typing import Any

from contracts.ids import derive_id
from contracts.tickets import TicketMessageRedacted
from service_kit.testing.eventually import eventually
from webchat_gateway.store import ChatStore


async def test_redacted_messages_stay_in_their_place_empty(chat: Any) -> None:
    """Of a visitor's message and of a reply number and author stay; others are left alone, also when repeated."""
    async with chat.visitor() as visitor:
        conversation = (await visitor.hello())["conversation_id"]
        await visitor.say("c1", "My PIN is 4711")
        await visitor.say("c2", "Hello?")
        await chat.tell(chat.added(conversation), chat.reply(conversation, "r1", "Is it 4711?"))
        await visitor.expect("message")
    inbound = derive_id("msg", "acc_1", conversation, "c1")
    about = {"message_ticket_id": "tic_1", "text_sha256": "0" * 64, "reason": "A PIN."}
    for message_id in (inbound, "msg_r1", "msg_nowhere", inbound):
        await chat.tell(chat.ticket(TicketMessageRedacted, message_id=message_id, **about))
    store = ChatStore(chat.platform.store)

    async def texts() -> list[str]:
        return [message.text for message in await store.everything(conversation)]

    async def is_emptied() -> bool:
        return sorted(await texts()) == ["", "", "Hello?"]

    await eventually(is_emptied, seconds=15)
    stored = sorted(await store.everything(conversation), key=lambda message: message.seq)

    assert [(message.seq, message.author, message.text) for message in stored] == [
        (1, "visitor", ""),
        (2, "visitor", "Hello?"),
        (3, "agent", ""),
    ]
