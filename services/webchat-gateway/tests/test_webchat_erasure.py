"""Forgetting a contact: what was said in their conversations (S3)."""

from datetime import UTC, datetime, timedelta

from contracts.erasure import ErasedIdentities
from service_kit.erasure import ErasedContact
from service_kit.fan_out import FanOut
from service_kit.testing.platforms import PlatformFactory
from webchat_gateway.erasure import ChatErasure
from webchat_gateway.model import VISITOR_KEY, ChatMessage, Conversation
from webchat_gateway.store import ChatStore, message_id

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def conversation(name: str, visitor_id: str, ticket_id: str | None = None, at: datetime = NOON) -> Conversation:
    """A conversation in which the visitor said who they are."""
    return Conversation(
        id=name,
        account_id="acc_1",
        visitor_id=visitor_id,
        ticket_id=ticket_id,
        name="Carl",
        email="carl@customer.example",
        created_at=at,
    )


async def test_conversations_are_emptied_and_messages_known_still(make_platform: PlatformFactory) -> None:
    """By ticket and by visitor, not those begun later; a message sent again is known as the same, and empty (S3)."""
    platform = make_platform("webchat-gateway")
    store = ChatStore(platform.store)
    await platform.store.start()
    for one in (
        conversation("by_ticket", "vis_2", "tic_1"),
        conversation("by_visitor", "vis_1"),
        conversation("later", "vis_1", at=NOON + timedelta(minutes=1)),
        conversation("other", "vis_3"),
    ):
        await store.keep(one)
        said = ChatMessage(
            id=message_id(one.id, 1),
            account_id="acc_1",
            conversation_id=one.id,
            sender_key=f"{VISITOR_KEY}c1",
            seq=1,
            author="visitor",
            text="secret",
            at=NOON,
        )
        await store.add(said)
    order = ErasedContact(
        account_id="acc_1",
        contact_id="con_1",
        contact_version=1,
        whole=True,
        identities=ErasedIdentities(visitor_ids=("vis_1",)),
        ticket_ids=frozenset({"tic_1"}),
        at=NOON,
    )
    erasure = ChatErasure(store, FanOut(platform.redis, "test:chat"))
    removed = [await erasure.forget(order) for _ in range(2)]
    texts = {}
    for name in ("by_ticket", "by_visitor", "later", "other"):
        known = await store.sent_as(name, f"{VISITOR_KEY}c1")
        texts[name] = known.text if known else None
    emptied = await store.conversation("by_visitor")
    await platform.store.stop()

    assert removed == [4, 0]
    assert texts == {"by_ticket": "", "by_visitor": "", "later": "secret", "other": "secret"}
    assert emptied is not None
    assert (emptied.name, emptied.email, emptied.closed, emptied.is_erased) == (None, None, True, True)
