"""Mail between the services: raw ones for the worker that parses them, and reports about our own."""

from typing import ClassVar, Literal

from pydantic import Field

from contracts.envelope import Event, UtcDatetime


class MailAccepted(Event):
    """A mail was stored raw and acknowledged to its sender. One event per recipient address of ours.

    `id` names this delivery; `raw_blob_key` holds the exact bytes received; `size` is in bytes.
    `envelope_sender` is the SMTP reverse-path, empty for bounces. `message_id`: which message these bytes became when
    they could not be understood, and are to complete now.
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
    message_id: str | None = None


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


CheckVariant = Literal["plain", "tagged"]
"""Public contract: a mail to a support address as it is, or with a token behind a plus sign."""


class MailCheckSeen(Event):
    """A mail that we sent to a support address of our own, to see whether it arrives, came back to us.

    `outcome` says how: as the mail itself, or in a report that it could not be delivered, whose words are `reason`.
    `run` counts the checks of that address.
    """

    key_field: ClassVar[str] = "check_id"

    type: Literal["support.mail.check_seen.v1"] = "support.mail.check_seen.v1"
    check_id: str
    run: int = Field(ge=1)
    variant: CheckVariant
    outcome: Literal["arrived", "returned"]
    reason: str | None = Field(default=None, max_length=500)
    delivery_id: str
