"""Waiting in tests for what must happen, and no longer than it takes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

_POLL_SECONDS = 0.01


@overload
async def eventually(check: Callable[[], Awaitable[T]], seconds: float = 5) -> T: ...
@overload
async def eventually(check: Callable[[], T], seconds: float = 5) -> T: ...
async def eventually(check: Callable[[], T | Awaitable[T]], seconds: float = 5) -> T:
    """The first truthy result of `check`, called again and again; it may be async, and may assert.

    Raises:
        AssertionError: nothing truthy came in time; the last failed assertion or result is told.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        failed: AssertionError | None = None
        result: T | None = None
        try:
            outcome = check()
            result = await outcome if inspect.isawaitable(outcome) else outcome
        except AssertionError as error:
            failed = error
        if result:
            return result
        if loop.time() >= deadline:
            raise AssertionError(f"not within {seconds} s; last: {failed or result!r}") from failed
        await asyncio.sleep(_POLL_SECONDS)
