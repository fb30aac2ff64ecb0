"""A real `deskbus up` in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from end_to_end.until import until

_TLS = httpx.create_ssl_context()
"""Made once: it takes longer than most requests."""
START_SECONDS = 120.0
"""A few on an idle machine."""
STOP_SECONDS = 30.0

COMMAND = str(Path(sys.executable).with_name("deskbus"))
"""The one of this environment."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def deskbus_environment(home: Path, **settings: object) -> dict[str, str]:
    """This process's environment with a home and settings, named as after the prefix `DESKBUS_`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DESKBUS_")}
    given = {f"DESKBUS_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, "DESKBUS_HOME": str(home), **given}


def run_deskbus(
    *arguments: str, environment: dict[str, str], seconds: float = START_SECONDS
) -> subprocess.CompletedProcess[str]:
    """A `deskbus` command that ends by itself."""
    command = [COMMAND, *arguments]
    return subprocess.run(  # noqa: S603 - our own command
        command, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


class DeskbusProcess:
    """`deskbus up` on a home, with free ports unless they are given."""

    def __init__(self, home: Path, **settings: object) -> None:
        http_port, smtp_port = free_ports(2)
        self.home = home
        self.http_port = int(str(settings.pop("http_port", http_port)))
        self.smtp_port = int(str(settings.pop("smtp_port", smtp_port)))
        self.environment = deskbus_environment(home, http_port=self.http_port, smtp_port=self.smtp_port, **settings)
        self._output = home.with_name(f"{home.name}.output")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._output.read_text() if self._output.exists() else ""

    @property
    def pids(self) -> list[int]:
        """Of the present process."""
        return [] if self._process is None else [self._process.pid]

    def start(self) -> None:
        """Begin to start; `wait_until_ready` returns when it has."""
        self._output.parent.mkdir(parents=True, exist_ok=True)
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [COMMAND, "up"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Returns after the line that says so."""
        until(self._says_ready, START_SECONDS)

    def owner(self) -> dict[str, Any]:
        """What `owner.json` holds."""
        owner: dict[str, Any] = json.loads((self.home / "owner.json").read_text())
        return owner

    def is_ready(self) -> bool:
        """Whether it says so to whoever asks."""
        return httpx.get(f"{self.base_url}/readyz", timeout=10, verify=_TLS).is_success

    def log(self) -> str:
        """Everything that it has logged, JSON line by line."""
        return (self.home / "deskbus.log").read_text()

    def metrics(self) -> str:
        """Of all services as one."""
        return httpx.get(f"{self.base_url}/metrics", timeout=10).text

    def api_documents(self) -> list[dict[str, Any]]:
        """The one of the whole."""
        return [httpx.get(f"{self.base_url}/openapi.json", timeout=30).json()]

    def stop(self) -> int:
        """End it as a person would, by SIGTERM; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it as a power cut would."""
        return self._end(signal.SIGKILL)

    def wait(self, seconds: float) -> int:
        """Wait for it to end by itself; its exit code."""
        if self._process is None:
            raise AssertionError("it was never started")
        return self._process.wait(seconds)

    def close(self) -> None:
        """Make sure that nothing is left running."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            raise AssertionError("it was never started")
        self._process.send_signal(number)
        return self._process.wait(STOP_SECONDS)

    def _says_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"deskbus up ended: {self.output}")
        return "Deskbus is ready" in self.output
