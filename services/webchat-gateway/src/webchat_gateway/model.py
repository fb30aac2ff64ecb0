"""Conversations of visitors as the gateway keeps them: it numbers their messages, and shows exactly what it keeps."""

from typing import Literal

from contracts.envelope import UtcDatetime
from service_kit.outbox import Outboxed
from service_kit.timers import Timed

Author = Literal["visitor", "agent", "system"]
"""Public contract: `from` of a message frame."""


class Conversation(Outboxed, Timed):
    """One conversation, which is one ticket. `delivered_seq` is the last message a visitor's socket was given.

    `last_reply_seq` and `last_reply_at` are of the newest message that is not the visitor's own.
    """

    account_id: str
    visitor_id: str
    follow_up_of: str | None = None
    ticket_id: str | None = None
    closed: bool = False
    name: str | None = None
    email: str | None = None
    delivered_seq: int = 0
    last_reply_seq: int = 0
    followed_up: bool = False
    created_at: UtcDatetime


class ChatMessage(Outboxed):
    """One message of a conversation; its id derives from conversation and `seq`, so that each number is given once.

    `client_key` names it once more (the visitor's own name for it, or the outgoing message's id), so that a
    repeated message is known.
    """

    account_id: str
    conversation_id: str
    client_key: str
    seq: int
    author: Author
    text: str
    at: UtcDatetime
