"""What customers said, normalised by the gateways: the one stream that opens and extends tickets.

The event's `id` names one *delivery* by a provider; `message_id` names the *message* and is the same for every
delivery of it (a hash of the provider's identity of the message), so that any number of deliveries make one message.
"""

from typing import ClassVar, Literal

from pydantic import Field

from contracts.automatic_kind import AutomaticKind
from contracts.envelope import Event, Shape, UtcDatetime
from contracts.people import Attachment, Channel, Party


class Automatic(Shape):
    """A message that a machine wrote, and the rule that says so."""

    kind: AutomaticKind
    rule: str


class MailHeaders(Shape):
    """What threading needs of a mail (RFC 5322). Ids are given without angle brackets, `references` oldest first.

    `reply_token` is the plus part of one of our addresses (`support+TOKEN@…`), not yet verified.
    """

    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    reply_token: str | None = None


class SmsDetails(Shape):
    """What only SMS has. `keyword`: one was answered, and the message belongs on an open ticket too, if any (M4).

    `campaign_id` names the campaign this message is attributed to (M10).
    """

    number: str
    segments: int | None = None
    keyword: str | None = None
    campaign_id: str | None = None


class ChatDetails(Shape):
    """What only web chat has. `conversation_seq` is the gateway's own sequence number."""

    conversation_id: str
    conversation_seq: int
    follow_up_of: str | None = None


class InboundMessageReceived(Event):
    """A customer's message arrived. Exactly one of `mail`, `sms`, `chat` is set, by `channel`.

    `parse_error` is set when the raw message could not be understood: it is kept under `raw_blob_key`, and the
    ticket is opened all the same (I6).
    """

    key_field: ClassVar[str] = "contact_key"

    type: Literal["support.message.received.v1"] = "support.message.received.v1"
    message_id: str
    provider_message_id: str = Field(max_length=1000)
    channel: Channel
    contact_key: str
    sender: Party
    recipient: str
    subject: str | None = Field(default=None, max_length=1000)
    text: str = ""
    html: str | None = None
    quoted_text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    sent_at: UtcDatetime | None = None
    received_at: UtcDatetime
    automatic: Automatic | None = None
    mail: MailHeaders | None = None
    sms: SmsDetails | None = None
    chat: ChatDetails | None = None
    raw_blob_key: str | None = None
    parse_error: str | None = None


class ContactProfileGiven(Event):
    """A visitor filled the form of the chat widget. Unverified: it never merges a visitor into a known contact."""

    key_field: ClassVar[str] = "contact_key"

    type: Literal["support.message.profile_given.v1"] = "support.message.profile_given.v1"
    contact_key: str
    conversation_id: str
    visitor_id: str
    name: str | None = Field(default=None, max_length=500)
    email: str | None = Field(default=None, max_length=320)
