"""Commands that die with the process that starts them, whatever ends it.

No `preexec_fn`: running Python between fork and exec is unsafe in a process with threads.
"""

import os
import sys
from collections.abc import Sequence

_BY_KERNEL = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Asks for the signal, makes sure that the parent has not died before that, and becomes the command."""

_BY_WATCHING = """
parent=$1
shift
(while kill -0 "$parent" 2>/dev/null; do sleep 1; done; kill -TERM $$) &
exec "$@"
"""
"""Leaves a watcher in the command's process group; whoever reaps the command ends the group."""


def dying_with_us(command: Sequence[str], *, platform: str = sys.platform) -> list[str]:
    """The command, wrapped so that it gets SIGTERM when this process is gone. `command[0]` is an absolute path.

    On Linux the kernel sends it as soon as the thread that started the command ends: start it from a thread that
    lives as long as the process. Elsewhere a watcher in the background asks every second.
    """
    if platform == "linux":
        return [sys.executable, "-I", "-S", "-c", _BY_KERNEL, str(os.getpid()), *command]
    return ["/bin/sh", "-c", _BY_WATCHING, "sh", str(os.getpid()), *command]
