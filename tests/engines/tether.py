"""Commands that are killed as soon as this process is gone, whatever ended it and whichever thread started them.

A pipe rather than the kernel's parent-death signal (`service_kit.parent_death`): that one is bound to the thread
that starts the command, and tests start engines in worker threads, so as not to block their event loop.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_LAUNCH = """
import os, signal, sys
rope, launched = int(sys.argv[1]), int(sys.argv[2])
engine = os.getpid()
if os.fork() == 0:
    os.close(launched)
    for handled in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(handled, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.read(rope, 1)
    if os.getppid() == engine:
        os.kill(engine, signal.SIGKILL)
    os._exit(0)
os.close(rope)
os.set_inheritable(launched, False)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Leaves a watcher that reads the pipe until its end, which comes when nobody holds the other side any more.

SIGKILL, since a suspended engine hears nothing else. The watcher does not kill a stranger: once the engine has ended,
the watcher has another parent. The second pipe ends when the command has taken over.
"""


class Tethered:
    """One running command."""

    def __init__(self, command: Sequence[str], *, folder: Path, log_path: Path) -> None:
        self._is_suspended = False
        held, self._rope = os.pipe()
        taken_over, launched = os.pipe()
        try:
            with log_path.open("ab") as log_file:
                self._process = subprocess.Popen(  # noqa: S603 - our own commands
                    [sys.executable, "-I", "-S", "-c", _LAUNCH, str(held), str(launched), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log_file,
                    stderr=log_file,
                    cwd=folder,
                    pass_fds=(held, launched),
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._rope)
            os.close(taken_over)
            raise
        finally:
            os.close(held)
            os.close(launched)
        # Suspended before its watcher is there, it would never end.
        with os.fdopen(taken_over, "rb") as pipe:
            pipe.read()

    @property
    def pid(self) -> int:
        """Of the command itself."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._process.send_signal(number)

    def suspend(self) -> None:
        """Stop it; returns when all of its threads stand still, which on a busy machine is not at once."""
        if self._is_suspended or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)
        self._is_suspended = True

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)
        self._is_suspended = False

    def wait(self, seconds: float) -> None:
        """Wait for its end and let its watcher go.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.wait(seconds)
        if self._rope >= 0:
            os.close(self._rope)
            self._rope = -1
