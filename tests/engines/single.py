"""An engine of one server on one fixed port, with its data in one folder of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from engines.folders import DataFolder
from engines.ports import free_ports
from engines.server import Server

CommandFor = Callable[[int, Path], Sequence[str]]
"""Makes a server's command from its port and its data folder."""


class SingleServer:
    """Runs while the context is open; the data lives as long. It dies with this process.

    A plain context manager whose methods block until done: call them by `asyncio.to_thread` where an event loop must
    go on meanwhile.
    """

    def __init__(self, name: str, command: CommandFor, *, answers: Callable[[int], bool]) -> None:
        self.name = name
        self._folder = DataFolder()
        data = self._folder.path / "data"
        data.mkdir()
        (port,) = free_ports(1)
        self._port = port
        self._server = Server(name, command(port, data), folder=self._folder.path, answers=lambda: answers(port))

    @property
    def pid(self) -> int | None:
        """The server's process, if one runs now."""
        return self._server.pid

    def __enter__(self) -> Self:
        try:
            self._server.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def start(self) -> None:
        """Start it again after `stop` or `kill`, on the data it had; returns when it answers."""
        self._server.start()

    def stop(self) -> None:
        """End it in good order."""
        self._server.stop()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._server.kill()

    def suspend(self) -> None:
        """Let it stand still (SIGSTOP): connections stay open, nothing answers."""
        self._server.suspend()

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._server.resume()

    def _end(self) -> None:
        self._server.kill()
        self._folder.remove()
