"""Waiting for what must come, and no longer than it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.05


def until(check: Callable[[], T | None], seconds: float = 20) -> T:
    """The first truthy result of `check`, called again and again; an assertion that fails inside counts as not yet.

    Raises:
        AssertionError: nothing truthy came in time; the last failed assertion or result is told.
    """
    deadline = time.monotonic() + seconds
    while True:
        failed: AssertionError | None = None
        result: T | None = None
        try:
            result = check()
        except AssertionError as error:
            failed = error
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s; last: {failed or result!r}") from failed
        time.sleep(_POLL_SECONDS)
