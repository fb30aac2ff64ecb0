"""Bearer tokens: 256 random bits behind a prefix that tells people and secret scanners what they hold."""

import secrets
from typing import Literal

_BYTES = 32


def new_token(prefix: Literal["ses", "dbk"]) -> str:
    """A token for a session or an API key; only its hash is ever stored."""
    return f"{prefix}_{secrets.token_urlsafe(_BYTES)}"
