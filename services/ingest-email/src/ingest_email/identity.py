"""Which mail it is, whichever way and however often it comes (X4). Pure: the same bytes always give the same id."""

import hashlib

from contracts.ids import derive_id
from ingest_email.parsing.model import MailHead

_MAX_PROVIDER_ID = 1000


def message_id(account_id: str, head: MailHead) -> str:
    """Our id of the message: from several headers, so that a forged Message-ID cannot swallow the real mail."""
    parts = (provider_message_id(head), head.from_email or "", head.date_text, head.subject or "")
    return derive_id("msg", account_id, *parts)


def provider_message_id(head: MailHead) -> str:
    """What the mail calls itself, or the name made from its contents."""
    return (head.message_id or head.synthetic_id or "")[:_MAX_PROVIDER_ID]


def synthetic_id(fields: tuple[str, ...], body: bytes) -> str:
    """A name for a mail that has none: from its canonical headers and body.

    Line ends and white space at the end of the mail are not part of it: relays change both.
    """
    digest = hashlib.sha256(body.replace(b"\r\n", b"\n").rstrip()).hexdigest()
    return derive_id("mid", *fields, digest)
