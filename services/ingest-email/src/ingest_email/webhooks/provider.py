"""What the mail providers have in common: a call with one mail in it, a proof of whose it is, and retry rules."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.settings import EmailSettings

ProviderName = Literal["mailgun", "sendgrid", "postmark"]

_MAX_PATH = 1_000
"""Characters of a reverse-path. An address has 320 at most: what is longer is none, whole or cut."""


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A request as it came: header names in lower case, `source` the address it came from."""

    headers: Mapping[str, str]
    body: bytes
    source: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ProvidedMail:
    """The mail of a call. `envelope_sender` is empty for bounces, `recipients` are those of the envelope.

    `is_proven` says whether the call comes from the provider of an account with these settings. `token`: the proof
    does not cover the mail, so that it may stand for one mail only.
    """

    content: bytes
    envelope_sender: str
    recipients: tuple[str, ...]
    is_proven: Callable[[EmailSettings], bool]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. It drops a mail at `give_up`, and comes again with it at `ask_again`; both are its own rules."""

    name: ProviderName
    give_up: int
    ask_again: int
    read: Callable[[WebhookCall], ProvidedMail]


class MalformedCallError(ValueError):
    """What every call of this provider has is missing or cannot be read."""


class RawMailMissingError(ValueError):
    """The provider sent its own reading of the mail only; the text says what to switch on."""


def reverse_path(text: str) -> str:
    """A sender as the envelope has it: without angle brackets, empty for `<>`."""
    return text.strip().removeprefix("<").removesuffix(">").strip()[:_MAX_PATH]


def has_basic(headers: Mapping[str, str], username: str, password: str) -> bool:
    """Whether a call brings these basic credentials (RFC 7617); compared in constant time."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        decoded = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(decoded, f"{username}:{password}".encode())
