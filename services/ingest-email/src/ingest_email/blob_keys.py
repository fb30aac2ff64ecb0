"""Where bytes are kept: under their own hash, so that the same bytes again are stored once."""

import asyncio
import hashlib
from typing import Literal


async def content_key(account_id: str, kind: Literal["mail", "attachment"], content: bytes) -> str:
    """The key of these bytes. Hashed beside the event loop, which 35 MB would hold up."""
    digest = await asyncio.to_thread(_digest, content)
    return f"{account_id}/{kind}/{digest}"


async def mail_key(account_id: str, content: bytes, envelope_sender: str) -> str:
    """The key of a raw mail: of its bytes and of who handed it over.

    A mail that names no author is its envelope sender's message, or with an empty one nobody's, and then it may be
    dropped: the same bytes of the other must not go with it.
    """
    digest = await asyncio.to_thread(_digest, envelope_sender.lower().encode(errors="replace") + b"\0", content)
    return f"{account_id}/mail/{digest}"


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
