"""The `deskbus` command beside a running system."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_LOOP = str(Path(__file__).with_name("command_loop.py"))


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended: its exit code and all it printed."""

    code: int
    printed: str


class Commands:
    """A context manager around one process that runs commands, one at a time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._companies = 0
        self._loop: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._loop = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, _LOOP],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None:
            self._loop.communicate(timeout=30)

    def run(self, *arguments: str) -> Finished:
        """Run a command to its end."""
        if self._loop is None or self._loop.stdin is None or self._loop.stdout is None:
            raise AssertionError("enter the context first")
        self._loop.stdin.write(json.dumps(arguments) + "\n")
        self._loop.stdin.flush()
        printed = ""
        for line in self._loop.stdout:
            if line.startswith('{"exit"'):
                return Finished(json.loads(line)["exit"], printed.strip())
            printed += line
        raise AssertionError(f"the process that runs commands ended: {printed}")

    def create_account(self) -> dict[str, Any]:
        """A new account; its owner as the command prints it."""
        self._companies += 1
        domain = f"company{self._companies}.example"
        finished = self.run("account", "create", f"Company {self._companies}", f"owner@{domain}", f"support@{domain}")
        assert finished.code == 0, finished.printed
        owner: dict[str, Any] = json.loads(finished.printed)
        return owner
