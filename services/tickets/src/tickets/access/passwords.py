"""Passwords: argon2id, off the event loop and never too many at once."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pydantic import Field

from service_kit.errors import Unavailable

NewPassword = Annotated[str, Field(min_length=8, max_length=1024)]
"""A password to set. Long ones are welcome; the cap only bounds the work of hashing."""

GivenPassword = Annotated[str, Field(max_length=1024)]
"""A password to check: however short, the answer is only right or wrong."""

R = TypeVar("R")


def standard_hasher() -> PasswordHasher:
    """Argon2id as the OWASP Password Storage Cheat Sheet recommends: 19 MiB, two passes, one lane (decision 0018)."""
    return PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)


class Passwords:
    """Hashes and checks passwords in threads.

    Each hash takes tens of milliseconds and 19 MiB by design: `at_once` bounds the memory, `waiting` the queue, so
    that a flood of sign-ins is refused instead of starving everything else.
    """

    def __init__(self, hasher: PasswordHasher, *, at_once: int = 2, waiting: int = 100) -> None:
        self._hasher = hasher
        self._slots = asyncio.Semaphore(at_once)
        self._room = at_once + waiting

    async def hash(self, password: str) -> str:
        """The salted hash to store."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; with nothing stored the same work is done in vain.

        Otherwise the time of the answer would tell which e-mail addresses exist.
        """
        return await self._in_thread(lambda: self._matches(stored, password))

    def _matches(self, stored: str | None, password: str) -> bool:
        if stored is None:
            self._hasher.hash(password)
            return False
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False

    async def _in_thread(self, work: Callable[[], R]) -> R:
        if self._room == 0:
            raise Unavailable("too many sign-ins at once")
        self._room -= 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._room += 1
