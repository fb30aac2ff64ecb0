"""Twilio's webhooks: their signature and their fields. Pure.

https://www.twilio.com/docs/usage/security#validating-requests
https://www.twilio.com/docs/messaging/guides/webhook-request
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.deliveries import DeliveryState

_MOST_MEDIA = 10
_MOST_CHARACTERS = 1_000
_MOST_NAMED = 32
_MOST_BODY = 20_000
"""More than ten times what Twilio delivers as one message."""
_STATES: Mapping[str, DeliveryState] = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}


@dataclass(frozen=True, slots=True)
class TwilioMessage:
    """One inbound SMS or MMS as Twilio reports it. `media_urls` need the account's credentials to be read."""

    message_sid: str
    sender: str
    recipient: str
    text: str
    segments: int | None
    media_urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TwilioStatus:
    """What became of a message that we sent."""

    message_sid: str
    state: DeliveryState
    reason: str | None


class MalformedWebhookError(ValueError):
    """A field that every webhook of this kind has is missing, or one is longer than Twilio ever sends it."""


def is_signed(signature: str, url: str, parameters: Mapping[str, str], tokens: Iterable[str]) -> bool:
    """Whether any token signs this request: HMAC-SHA1 over the URL and the sorted parameters, base64.

    Numbers of a Messaging Service are signed by the account's token like any other.
    """
    signed = (url + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))).encode()
    matches = [
        hmac.compare_digest(
            base64.b64encode(hmac.new(token.encode(), signed, hashlib.sha1).digest()), signature.encode()
        )
        for token in tokens
    ]
    return any(matches)


def parse_message(parameters: Mapping[str, str]) -> TwilioMessage:
    """The message of an inbound webhook.

    Raises:
        MalformedWebhookError: it has no identity, sender or recipient, or says too much.
    """
    media = (_bounded(parameters, f"MediaUrl{index}", _MOST_CHARACTERS) for index in range(_MOST_MEDIA))
    return TwilioMessage(
        message_sid=_required(parameters, "MessageSid"),
        sender=_required(parameters, "From", _MOST_NAMED),
        recipient=_required(parameters, "To", _MOST_NAMED),
        text=_bounded(parameters, "Body", _MOST_BODY),
        segments=_number(parameters.get("NumSegments")),
        media_urls=tuple(url for url in media if url),
    )


def parse_status(parameters: Mapping[str, str]) -> TwilioStatus | None:
    """The state a status callback reports; None for a status this version does not know.

    Raises:
        MalformedWebhookError: it has no identity or status, or says too much.
    """
    state = _STATES.get(_required(parameters, "MessageStatus"))
    if state is None:
        return None
    code = _bounded(parameters, "ErrorCode", _MOST_CHARACTERS)
    return TwilioStatus(_required(parameters, "MessageSid"), state, f"twilio error {code}" if code else None)


def _required(parameters: Mapping[str, str], name: str, most: int = _MOST_CHARACTERS) -> str:
    value = _bounded(parameters, name, most).strip()
    if not value:
        raise MalformedWebhookError(f"the field {name} is missing")
    return value


def _bounded(parameters: Mapping[str, str], name: str, most: int) -> str:
    value = parameters.get(name, "")
    if len(value) > most:
        raise MalformedWebhookError(f"the field {name} has more than {most} characters")
    return value


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
