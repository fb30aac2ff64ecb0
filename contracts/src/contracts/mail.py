"""Raw mail between the door that accepted it and the worker that parses it. Internal to ingest-email."""

from typing import ClassVar, Literal

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
