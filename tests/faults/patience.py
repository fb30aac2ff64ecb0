"""How senders go on after a failure: they try the same thing again until it is answered."""

import asyncio
from random import Random

ANSWER_SECONDS = 10.0
"""How long a sender waits for an answer before it takes the connection for dead."""

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.3


class TryLaterError(Exception):
    """The other side said "later", with its own code for that, or said nothing."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class RefusedForGoodError(Exception):
    """The other side said that it will never take this."""


class Patience:
    """Pauses between attempts, longer each time; real senders wait minutes."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._attempt = 0

    async def pause(self) -> None:
        """Wait before the next attempt, unless everything is to end: some libraries swallow a cancellation."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**self._attempt)
        self._attempt += 1
        await asyncio.sleep(longest * (1 + self._chance.random()) / 2)
