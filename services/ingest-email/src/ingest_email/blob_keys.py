"""Where bytes are kept: under their own hash, so that the same bytes again are stored once."""

import asyncio
import hashlib
from typing import Literal


async def content_key(account_id: str, kind: Literal["mail", "attachment"], content: bytes) -> str:
    """The key of these bytes. Hashed beside the event loop, which 35 MB would hold up."""
    digest = await asyncio.to_thread(_digest, content)
    return f"{account_id}/{kind}/{digest}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
