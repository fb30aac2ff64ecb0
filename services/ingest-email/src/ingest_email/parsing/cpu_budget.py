"""A limit on the processor time of one step, for libraries that have inputs which stall them.

The timeout of the parser process costs a whole mail; this costs only what the library was asked for. Works in the main
thread, which is where a parser process parses.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class BudgetSpent(BaseException):
    """The step took too long. Not an `Exception`: the libraries swallow those, and go on stalling."""


@contextmanager
def cpu_budget(seconds: float) -> Iterator[None]:
    """Let the block take so much processor time at most.

    Raises:
        BudgetSpent: it took more; catch it around the block.
    """
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise BudgetSpent
