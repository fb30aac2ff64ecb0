"""Waiting a moment for what another service has announced and this one may not have copied yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_AGAIN_SECONDS = 0.05


async def arrived(look: Callable[[], Awaitable[T | None]], *, within_seconds: float) -> T | None:
    """What `look` finds as soon as it finds something; None where it has not arrived in time."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    while True:
        found = await look()
        if found is not None or asyncio.get_running_loop().time() >= deadline:
            return found
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
