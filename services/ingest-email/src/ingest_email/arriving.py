"""A body while it arrives: bounded in size, time and the memory of all that arrive at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect

from ingest_email.errors import CallBroken, MailTooLarge, MemoryFull
from ingest_email.mail_memory import MailMemory

_COPIES = 3
"""As it arrived, in one piece, and the mail that is cut out of it."""


@asynccontextmanager
async def whole_body(
    stream: AsyncIterator[bytes], memory: MailMemory, *, limit_bytes: int, seconds: float
) -> AsyncIterator[bytes]:
    """The body in one piece; its memory is given back at the end of the block.

    Raises:
        MailTooLarge: it has more than the limit.
        MemoryFull: others take the room now.
        CallBroken: it did not arrive in time, or not to its end.
    """
    reserved, size, blocks = 0, 0, []
    try:
        try:
            async with asyncio.timeout(seconds):
                async for block in stream:
                    size += len(block)
                    if size > limit_bytes:
                        raise MailTooLarge(limit_bytes)
                    if not memory.reserve(_COPIES * len(block)):
                        raise MemoryFull("no room for another mail")
                    reserved += _COPIES * len(block)
                    blocks.append(block)
        except (TimeoutError, ClientDisconnect) as error:
            raise CallBroken(f"the body did not arrive: {type(error).__name__}") from error
        yield b"".join(blocks)
    finally:
        memory.release(reserved)
