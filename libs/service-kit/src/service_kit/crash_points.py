"""Named points between two effects at which the fault tests kill the process for real.

Unarmed (always, outside those tests) a point costs one dictionary look-up.
"""

import os
import signal

_armed: dict[str, int] = {}


def arm(name: str, *, after: int = 1) -> None:
    """Let the process die by SIGKILL at the `after`-th passage of `name`."""
    _armed[name] = after


def arm_from(text: str) -> None:
    """Arm what a setting names: `point` or `point:passage`; nothing when it is empty.

    Raises:
        ValueError: the passage is not a number.
    """
    if text:
        name, _, passage = text.partition(":")
        arm(name, after=int(passage or 1))


def crash_point(name: str) -> None:
    """Die here if armed."""
    remaining = _armed.get(name)
    if remaining is None:
        return
    _armed[name] = remaining - 1
    if remaining <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
