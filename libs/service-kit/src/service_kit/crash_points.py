"""Named points between two effects at which the fault tests kill the process for real.

Unarmed (always, outside those tests) a point costs one dictionary look-up.
"""

import os
import signal

_armed: dict[str, int] = {}


def arm(name: str, *, after: int = 1) -> None:
    """Let the process die by SIGKILL at the `after`-th passage of `name`."""
    _armed[name] = after


def crash_point(name: str) -> None:
    """Die here if armed."""
    remaining = _armed.get(name)
    if remaining is None:
        return
    _armed[name] = remaining - 1
    if remaining <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
