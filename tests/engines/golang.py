"""Commands built by the ordinary `go` from modules whose checksums are in a `go.sum` of ours."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from engines.cache import Cache
from engines.errors import EngineMissingError, WrongChecksumError
from engines.progress import progress

_INPUTS = ("go.mod", "go.sum", "main.go")


def command(cache: Cache, what: str, folder: Path, *, tags: str) -> Path:
    """The executable built from the module in `folder`; another source makes another place in the cache."""
    source = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _INPUTS)).hexdigest()
    place = cache.provide(
        f"{what.lower().replace(' ', '-')}-{source[:12]}",
        fetch=lambda place: _build(what, folder, place / folder.name, tags=tags),
        verify=lambda place: _verify(place / folder.name),
    )
    return place / folder.name


def _build(what: str, folder: Path, target: Path, *, tags: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise EngineMissingError(f"{what} is built from source by `go`, which is not on PATH")
    build = [go, "build", "-mod=readonly", "-trimpath", "-tags", tags, "-ldflags", "-s -w", "-o", str(target), "."]
    with progress(f"Building {what} with go (about two minutes, once)"):
        done = subprocess.run(  # noqa: S603 - our own command
            build, cwd=folder, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise EngineMissingError(f"`go` could not build {what} (is there a network?). It said:\n{done.stderr[-2000:]}")


def _verify(executable: Path) -> None:
    if not os.access(executable, os.X_OK):
        raise WrongChecksumError(f"{executable} is not there")
