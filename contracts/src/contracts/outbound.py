"""What leaves for customers: one stream, read by whoever owns the channel."""

from typing import ClassVar, Literal

from contracts.envelope import Event, Shape
from contracts.people import Attachment, Channel, Party

Purpose = Literal["reply", "auto_reply", "keyword_answer", "follow_up"]
"""Public contract: an agent's reply, an automatic text, the answer to a keyword, or a chat's follow-up mail."""


class MailThreading(Shape):
    """Headers that hold a mail thread together (RFC 5322, section 3.6.4). Ids without angle brackets."""

    message_id: str
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    reply_to: str | None = None
    cc: tuple[str, ...] = ()


class OutboundMessageRequested(Event):
    """Send this to the customer, once. `message_id` is the idempotency key of the delivery.

    `sender` is our address or number; empty for web chat, where `conversation_id` names the thread.
    Never holds a note.
    """

    key_field: ClassVar[str] = "contact_key"

    type: Literal["support.message.requested.v1"] = "support.message.requested.v1"
    message_id: str
    ticket_id: str | None = None
    channel: Channel
    purpose: Purpose
    contact_key: str
    contact_id: str | None = None
    recipient: Party
    sender: str = ""
    author_name: str | None = None
    subject: str | None = None
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    mail: MailThreading | None = None
    conversation_id: str | None = None
