"""One engine's server: started, ended, killed, suspended, and started again on the same files."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engines.errors import EngineNotReadyError
from engines.tether import Tethered

_POLL_SECONDS = 0.05
_STOP_SECONDS = 20.0
_KILL_SECONDS = 20.0
_READY_SECONDS = 240.0
"""Generous: on a busy machine with few cores a start takes many times longer than alone."""
_LOG_TAIL_BYTES = 2000


class Server:
    """A command that serves on fixed ports, with its log beside its data."""

    def __init__(self, name: str, command: Sequence[str], *, folder: Path, answers: Callable[[], bool]) -> None:
        self._name = name
        self._command = command
        self._folder = folder
        self._log_path = folder / "server.log"
        self._answers = answers
        self._running: Tethered | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, if one runs now."""
        return self._running.pid if self._running is not None and self._running.code is None else None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.spawn()
        self.wait_until_ready()

    def spawn(self) -> None:
        """Start it without waiting: several servers come up at the same time."""
        if self.pid is not None:
            raise RuntimeError(f"{self._name} runs already")
        if self._running is not None:
            self._running.wait(_KILL_SECONDS)
        self._running = Tethered(self._command, folder=self._folder, log_path=self._log_path)

    def wait_until_ready(self) -> None:
        """Wait until it answers.

        Raises:
            EngineNotReadyError: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self.pid is None:
                raise EngineNotReadyError(f"{self._name} ended while it started. Its log ends:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise EngineNotReadyError(f"{self._name} does not answer. Its log ends:\n{self._log_tail()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end, wait for that, and kill it if it does not."""
        if self._running is None:
            return
        self._running.resume()
        self._running.signal(signal.SIGTERM)
        try:
            self._running.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a crash of its machine would: it writes nothing more."""
        if self._running is not None:
            self._running.signal(signal.SIGKILL)
            self._running.wait(_KILL_SECONDS)

    def suspend(self) -> None:
        """Let it stand still: connections stay open, nothing answers."""
        self._alive().suspend()

    def resume(self) -> None:
        """Let it go on."""
        self._alive().resume()

    def _alive(self) -> Tethered:
        if self._running is None or self.pid is None:
            raise RuntimeError(f"{self._name} does not run")
        return self._running

    def _log_tail(self) -> str:
        return self._log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
