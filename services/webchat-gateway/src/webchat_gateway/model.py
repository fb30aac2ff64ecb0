"""Conversations of visitors as the gateway keeps them: it numbers their messages, and shows exactly what it keeps."""

from typing import Literal

from contracts.envelope import UtcDatetime
from service_kit.outbox import Outboxed
from service_kit.timers import Timed

Author = Literal["visitor", "agent", "system"]
"""Public contract: `from` of a message frame."""


VISITOR_KEY = "visitor/"
DESK_KEY = "desk/"
"""What a `sender_key` begins with: visitors name their messages as they like, and must not hit upon one of ours."""


class Conversation(Outboxed, Timed):
    """One conversation. `delivered_seq` is the last message that a visitor's socket was given.

    `last_reply_seq` is the newest message of an agent. `ticket_since` is when the ticket began: a message that was on
    its way while an agent closed the ticket opens another one, and the conversation goes on as that. `is_erased`: what
    was said here is forgotten (S3).
    """

    account_id: str
    visitor_id: str
    follow_up_of: str | None = None
    ticket_id: str | None = None
    ticket_since: UtcDatetime | None = None
    closed: bool = False
    name: str | None = None
    email: str | None = None
    delivered_seq: int = 0
    last_reply_seq: int = 0
    followed_up: bool = False
    is_erased: bool = False
    created_at: UtcDatetime


class ChatMessage(Outboxed):
    """One message of a conversation; its id derives from conversation and `seq`, so that each number is given once.

    `sender_key` names it once more (by the visitor's own name for it, or by the outgoing message's id), so that one
    that is repeated is known. `at` rises with `seq`, whatever the clock does.
    """

    account_id: str
    conversation_id: str
    sender_key: str
    seq: int
    author: Author
    text: str
    at: UtcDatetime
