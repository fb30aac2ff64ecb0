"""The folder in which fetched engines are kept; what is in it has been verified."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.errors import WrongChecksumError


class Cache:
    """Folders that are fetched once and then shared by all test runs of this user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()

    def provide(self, name: str, *, fetch: Callable[[Path], None], verify: Callable[[Path], None]) -> Path:
        """The folder of that name: as it is if it verifies, else fetched into a fresh one that then takes its place.

        A second process that wants the same waits for the first.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / name
        with self._locked(name):
            if place.exists():
                try:
                    verify(place)
                except WrongChecksumError:
                    shutil.rmtree(place)
                else:
                    return place
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=f".{name}-") as fresh:
                content = Path(fresh) / name
                content.mkdir()
                fetch(content)
                verify(content)
                content.rename(place)
        return place

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self._folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
