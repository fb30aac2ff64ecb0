"""Gives every message of a conversation its number, once, and the visitor's own to the bus, in that order."""

from datetime import datetime, timedelta

from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.outbox import Outbox, with_events
from webchat_gateway.inbound import message_received
from webchat_gateway.model import DESK_KEY, VISITOR_KEY, Author, ChatMessage, Conversation
from webchat_gateway.store import ChatStore, message_id

_ROUNDS = 50
_TICK = timedelta(microseconds=1)


class SequenceContended(TransientError):
    """Others kept taking the next number."""


class Sequencer:
    """Any number of replicas may number one conversation: a number is taken by inserting the message that has it."""

    def __init__(self, store: ChatStore, said: Outbox[ChatMessage], clock: Clock) -> None:
        self._store = store
        self._said = said
        self._clock = clock

    async def knows(self, conversation: Conversation, client_id: str) -> bool:
        """Whether the visitor already sent a message under this name here."""
        return await self._store.sent_as(conversation.id, VISITOR_KEY + client_id) is not None

    async def take(self, conversation: Conversation, client_id: str, text: str) -> int:
        """The number of a visitor's message, once the bus has it and everything the visitor said before it.

        Raises:
            Unavailable: it is not safe. If it was stored, the relay publishes it.
        """
        message = await self._append(conversation, VISITOR_KEY + client_id, "visitor", text)
        crash_point("webchat.message_stored")
        while waiting := [one for one in await self._store.unpublished(conversation.id) if one.seq <= message.seq]:
            await self._said.publish(waiting)
        return message.seq

    async def put(self, conversation: Conversation, outgoing_id: str, author: Author, text: str) -> ChatMessage:
        """A message for the visitor, the same one for the same outgoing message."""
        return await self._append(conversation, DESK_KEY + outgoing_id, author, text)

    async def _append(self, conversation: Conversation, sender_key: str, author: Author, text: str) -> ChatMessage:
        for _ in range(_ROUNDS):
            known = await self._store.sent_as(conversation.id, sender_key)
            if known is not None:
                return known
            newest = await self._store.newest(conversation.id)
            stored = await self._store.add(self._next(conversation, newest, sender_key, author, text))
            if stored is not None:
                return stored
        raise SequenceContended(f"conversation {conversation.id} is too busy")

    def _next(
        self, conversation: Conversation, newest: ChatMessage | None, sender_key: str, author: Author, text: str
    ) -> ChatMessage:
        seq = newest.seq + 1 if newest else 1
        at = _later(self._clock.now(), newest)
        message = ChatMessage(
            id=message_id(conversation.id, seq),
            account_id=conversation.account_id,
            conversation_id=conversation.id,
            sender_key=sender_key,
            seq=seq,
            author=author,
            text=text,
            at=at,
        )
        return with_events(message, [message_received(conversation, message)], at) if author == "visitor" else message


def _later(now: datetime, newest: ChatMessage | None) -> datetime:
    """The moment of the next message: the relay publishes by it, so it rises even if the clock does not."""
    return now if newest is None else max(now, newest.at + _TICK)
