"""Mailgun's inbound route: a form with the raw mail, signed by timestamp and token. Pure.

https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from contracts.settings import EmailSettings
from ingest_email.webhooks.form_data import FormError, read_form
from ingest_email.webhooks.provider import (
    MalformedCallError,
    ProvidedMail,
    Provider,
    RawMailMissingError,
    WebhookCall,
    reverse_path,
)

WINDOW = timedelta(minutes=5)
"""How old or early a signature may be: it does not cover the mail, so whoever reads one could send any with it."""

_MAX_TOKEN = 200


def read(call: WebhookCall) -> ProvidedMail:
    """The mail of a call.

    Raises:
        MalformedCallError: it is no form, or names no recipient.
        RawMailMissingError: the route forwards Mailgun's own reading of the mail.
    """
    try:
        fields = read_form(call.body, call.headers.get("content-type", ""))
    except FormError as error:
        raise MalformedCallError(str(error)) from error
    recipients = _text(fields, "recipient")
    if not recipients:
        raise MalformedCallError("the field recipient is missing")
    if "body-mime" not in fields:
        raise RawMailMissingError("Let the Mailgun route forward to an address that ends in `/inbound/mime`.")
    timestamp, token, signature = (_text(fields, name) for name in ("timestamp", "token", "signature"))

    def is_proven(settings: EmailSettings) -> bool:
        key = settings.mailgun.signing_key
        return key is not None and is_signed(key, timestamp, token, signature, now=call.received_at)

    return ProvidedMail(
        content=fields["body-mime"],
        envelope_sender=reverse_path(_text(fields, "sender")),
        recipients=tuple(address.strip() for address in recipients.split(",")),
        is_proven=is_proven,
        token=token,
    )


def is_signed(key: str, timestamp: str, token: str, signature: str, *, now: datetime) -> bool:
    """HMAC-SHA256 over timestamp and token, in hexadecimal, not older than the window."""
    expected = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    is_genuine = hmac.compare_digest(expected.encode(), signature.encode())
    return is_genuine and 0 < len(token) <= _MAX_TOKEN and _is_recent(timestamp, now)


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):  # noqa: PLR2004 - seconds until 5138
        return False
    return abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= WINDOW


def _text(fields: dict[str, bytes], name: str) -> str:
    return fields.get(name, b"").decode(errors="replace").strip()


MAILGUN = Provider(name="mailgun", give_up=406, ask_again=401, read=read)
"""Only 200 is taken, 406 stops; at anything else it comes again for eight hours."""
