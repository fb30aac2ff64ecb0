"""Admission where engines run elsewhere: only what this process writes to its own machine can fill up here."""

from collections.abc import Sequence
from pathlib import Path

from service_kit.admission import DiskAdmission, StorageFull


class LocalDisks:
    """Watches every folder that is written to, and none where everything is sent away.

    There is no ballast, as there is in a home: that is for an engine of our own which dies on a full disk. Engines
    that are somewhere else refuse for themselves.
    """

    def __init__(self, folders: Sequence[Path], minimum_free_bytes: int) -> None:
        self._folders = folders
        self._disks = [DiskAdmission(folder, minimum_free_bytes) for folder in folders]

    def check(self) -> None:
        """Raise `StorageFull` when one of them has too little room.

        Raises:
            StorageFull: or when a folder cannot be made.
        """
        for folder, disk in zip(self._folders, self._disks, strict=True):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise StorageFull(f"{folder} cannot be made: {error.strerror}") from error
            disk.check()
