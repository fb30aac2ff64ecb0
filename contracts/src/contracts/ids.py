"""Identifiers: a readable prefix, then either randomness or a hash of what the thing is."""

import hashlib
import secrets

_SEPARATOR = "\x1f"
_DIGEST_CHARACTERS = 24


def derive_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, for ever: what makes an effect idempotent.

    `parts` are joined with a separator that no id, address or header may hold, so that
    ("a", "bc") and ("ab", "c") differ.
    """
    digest = hashlib.sha256(_SEPARATOR.join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:_DIGEST_CHARACTERS]}"


def new_id(prefix: str) -> str:
    """An id nobody can guess, for things that come into being by an act rather than from a fact."""
    return f"{prefix}_{secrets.token_hex(_DIGEST_CHARACTERS // 2)}"
