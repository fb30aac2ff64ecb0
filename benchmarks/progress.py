"""How far a long piece of work is: so much of so much, and how long the rest will take if it goes on like that."""

import time
from collections.abc import Callable

Tell = Callable[[str], None]

_TOLD_IN_ALL = 50


class Progress:
    """Tells of one piece of work some fifty times, however large it is."""

    def __init__(
        self, what: str, total: int, tell: Tell, *, stopwatch: Callable[[], float] = time.perf_counter
    ) -> None:
        self._what = what
        self._total = total
        self._tell = tell
        self._stopwatch = stopwatch
        self._began = stopwatch()
        self._next = 0

    def reached(self, done: int) -> None:
        """So much is done."""
        if done < self._next and done < self._total:
            return
        self._next = done + max(1, self._total // _TOLD_IN_ALL)
        so_far = f"{self._what}: {done:,} of {self._total:,}"
        if 0 < done < self._total:
            left = (self._stopwatch() - self._began) * (self._total - done) / done
            so_far = f"{so_far}, {left:.0f} s left"
        self._tell(so_far)
