"""Mail between the services: raw ones for the worker that parses them, and reports about our own."""

from typing import ClassVar, Literal

from pydantic import Field

from contracts.envelope import Event, UtcDatetime


class MailAccepted(Event):
    """A mail was stored raw and acknowledged to its sender. One event per recipient address of ours.

    `id` names this delivery; `raw_blob_key` holds the exact bytes received; `size` is in bytes.
    `envelope_sender` is the SMTP reverse-path, empty for bounces.
    """

    key_field: ClassVar[str] = "envelope_sender_key"

    type: Literal["support.mail.accepted.v1"] = "support.mail.accepted.v1"
    recipient: str
    envelope_sender: str
    envelope_sender_key: str
    via: Literal["smtp", "mailgun", "sendgrid", "postmark", "imap"]
    peer: str | None = None
    raw_blob_key: str
    size: int
    received_at: UtcDatetime


class MailBounced(Event):
    """A mail server gave up delivering a mail of ours to one recipient (RFC 3464).

    Only said of mails whose signed Message-ID the report contains: nobody else can have had it. `message_id` is the
    outgoing message's; `status` is the enhanced code (RFC 3463), `diagnostic` the other server's own words.
    """

    key_field: ClassVar[str] = "recipient"

    type: Literal["support.mail.bounced.v1"] = "support.mail.bounced.v1"
    message_id: str
    ticket_id: str
    recipient: str = Field(max_length=320)
    status: str | None = Field(default=None, max_length=20)
    diagnostic: str | None = Field(default=None, max_length=500)
    report_delivery_id: str
