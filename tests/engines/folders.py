"""Folders for the data of engines: gone when they are given back, or at the next start if their owner was killed."""

import fcntl
import shutil
import tempfile
from pathlib import Path

_PREFIX = "deskbus-engine-"
_LOCK = "owner.lock"


class DataFolder:
    """A new folder of the system's temporary ones, owned by this process."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _sweep(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        # Locked before it has the name that others look for: they never find it free.
        fresh = self.path / f"{_LOCK}.new"
        self._lock = fresh.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        fresh.rename(self.path / _LOCK)

    def remove(self) -> None:
        """Give it back with all that is in it."""
        shutil.rmtree(self.path)
        self._lock.close()


def _sweep(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            with lock.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError, PermissionError):
            continue
