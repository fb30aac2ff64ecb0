"""The home folder of an embedded system: one owner at a time, its secret key, and who its first owner is."""

import fcntl
import json
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from service_kit.errors import DeskbusError


class HomeTakenError(DeskbusError):
    """Another process runs on this home."""


class Home:
    """A locked home folder. Use it as a context manager; the lock goes with the process, whatever ends it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Take the home, making it if it is not there.

        Raises:
            HomeTakenError: another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise HomeTakenError(
                f"Deskbus already runs on {self.path} (process {owner}). "
                "Stop it first, or give this one another folder with DESKBUS_HOME."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def secret_key(self) -> str:
        """The key that encrypts and signs; made on the first start and kept readable by its owner only."""
        path = self.path / "secret.key"
        if not path.exists():
            _write_private(path, secrets.token_urlsafe(32))
        return path.read_text().strip()

    def write_engine_url(self, url: str) -> None:
        """Record where this home's engine listens, for commands that work beside the running system."""
        _write_private(self.path / "engine.url", url)

    def engine_url(self) -> str | None:
        """Where this home's engine listens, or listened last."""
        path = self.path / "engine.url"
        return path.read_text() if path.exists() else None

    @property
    def log_file(self) -> Path:
        """Where a system on this home writes its log."""
        return self.path / "deskbus.log"

    @property
    def owner_file(self) -> Path:
        """Where the first account's owner and key are written."""
        return self.path / "owner.json"

    def write_owner(self, owner: dict[str, Any]) -> None:
        """Record the first account's owner, readable by this user only."""
        _write_private(self.owner_file, json.dumps(owner, indent=2) + "\n")

    def owner(self) -> dict[str, Any] | None:
        """The first account's owner, or None before the first start ended."""
        if not self.owner_file.exists():
            return None
        owner: dict[str, Any] = json.loads(self.owner_file.read_text())
        return owner


def _write_private(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
