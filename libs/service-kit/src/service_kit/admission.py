"""Whether new work may be taken in: refuse early, while there is still room to finish what was accepted."""

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from service_kit.clock import Clock, SystemClock
from service_kit.errors import Unavailable
from service_kit.worker import PeriodicWorker

_CACHED_FOR = timedelta(seconds=0.2)
_TEND_INTERVAL_SECONDS = 0.5
_BALLAST_BYTES = 16 * 1024 * 1024
_BALLAST_NAME = "ballast"
_CHUNK = b"\xa5" * 1024 * 1024

logger = structlog.get_logger()


class StorageFull(Unavailable):
    """Free space is below the limit; whoever offers work must keep it and try again later."""


class Admission(Protocol):
    """What a door asks before it accepts anything."""

    def check(self) -> None:
        """Raise `StorageFull` when nothing more may be taken in. Cheap: may be asked for every message."""


def free_bytes(path: Path) -> int:
    """What an ordinary process may still write on the file system of `path`."""
    return shutil.disk_usage(path).free


class DiskAdmission:
    """Watches the free space of one folder and keeps a ballast file in it.

    An engine that cannot write ends itself (Valkey with `appendfsync always` does), so the ballast is given up when
    the disk is all but full: what was accepted can then still be finished. A ballast given up counts as used
    space, so that the door does not open on it. It is a `Part`; `check` works without it being started.
    """

    def __init__(
        self,
        path: Path,
        minimum_free_bytes: int,
        clock: Clock | None = None,
        *,
        measure: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._path = path
        self._minimum = minimum_free_bytes
        self._clock = clock or SystemClock()
        self._measure = measure
        self._ballast = path / _BALLAST_NAME
        self._ballast_bytes = min(_BALLAST_BYTES, minimum_free_bytes)
        self._usable = 0
        self._measured_at: datetime | None = None
        self._worker = PeriodicWorker("ballast", _TEND_INTERVAL_SECONDS, self.tend)

    async def start(self) -> None:
        """Put the ballast down and keep it from now on."""
        await self.tend()
        await self._worker.start()

    async def stop(self) -> None:
        """Stop tending the ballast; the file stays for the next start."""
        await self._worker.stop()

    def check(self) -> None:
        """Raise `StorageFull` below the limit, judged by a figure at most 0.2 s old."""
        now = self._clock.now()
        if self._measured_at is None or not timedelta(0) <= now - self._measured_at < _CACHED_FOR:
            try:
                self._usable = self._measure_usable()
            except OSError as error:
                raise StorageFull(f"the free space cannot be measured: {error.strerror}") from error
            self._measured_at = now
        if self._usable < self._minimum:
            raise StorageFull(f"less than {self._minimum} bytes are free; nothing new is taken in")

    async def tend(self) -> None:
        """Give the ballast up when the disk is all but full; make it again when there is room enough."""
        await asyncio.to_thread(self._tend)

    def _tend(self) -> None:
        held = self._is_held()
        if held and self._measure(self._path) < self._ballast_bytes:
            self._ballast.unlink(missing_ok=True)
            logger.error("ballast_released", bytes=self._ballast_bytes)
        elif not held and self._ballast_bytes and self._measure_usable() >= self._minimum:
            self._make_ballast()

    def _measure_usable(self) -> int:
        return self._measure(self._path) - (0 if self._is_held() else self._ballast_bytes)

    def _is_held(self) -> bool:
        return self._ballast.exists()

    def _make_ballast(self) -> None:
        """Write every byte (a sparse file would hold nothing), then give the file its name."""
        unfinished = self._ballast.with_suffix(".unfinished")
        try:
            with unfinished.open("wb") as stream:
                for begin in range(0, self._ballast_bytes, len(_CHUNK)):
                    stream.write(_CHUNK[: self._ballast_bytes - begin])
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.rename(self._ballast)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            logger.warning("ballast_not_made", error=error.strerror)
