"""Commands built by the ordinary `go` from modules whose checksums are in a `go.sum` of ours."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.cache import Cache
from engines.errors import EngineMissingError, WrongChecksumError
from engines.progress import progress

_INPUTS = ("go.mod", "go.sum", "main.go")


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement of text in a file of the module that is built in; its digest was checked before."""

    file: str
    old: str
    new: str


def command(cache: Cache, what: str, folder: Path, *, tags: str, module: str, changes: Sequence[Change]) -> Path:
    """The executable built from the module in `folder`; another source makes another place in the cache."""
    inputs = b"".join((folder / name).read_bytes() for name in _INPUTS) + repr(changes).encode()
    source = hashlib.sha256(inputs).hexdigest()
    place = cache.provide(
        f"{what.lower().replace(' ', '-')}-{source[:12]}",
        fetch=lambda place: _build(what, folder, place / folder.name, tags, module, changes),
        verify=lambda place: _verify(place / folder.name),
    )
    return place / folder.name


def _build(what: str, folder: Path, target: Path, tags: str, module: str, changes: Sequence[Change]) -> None:
    go = shutil.which("go")
    if go is None:
        raise EngineMissingError(f"{what} is built from source by `go`, which is not on PATH")
    build = [go, "build", "-mod=mod", "-trimpath", "-tags", tags, "-ldflags", "-s -w", "-o", str(target)]
    with progress(f"Building {what} with go (about two minutes, once)"), tempfile.TemporaryDirectory() as scratch:
        modules = _changed(what, go, folder, module, changes, Path(scratch))
        _run(what, [*build, "-modfile", str(modules), "."], folder)


def _changed(what: str, go: str, folder: Path, module: str, changes: Sequence[Change], scratch: Path) -> Path:
    """A `go.mod` that leads to a copy of the module with the changes in it."""
    _run(what, [go, "mod", "download", module], folder)
    source = _run(what, [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module], folder).strip()
    copy = scratch / "module"
    shutil.copytree(source, copy, copy_function=shutil.copyfile)
    for change in changes:
        _apply(what, change, copy)
    shutil.copy(folder / "go.sum", scratch / "go.sum")
    modules = scratch / "go.mod"
    modules.write_text(f"{(folder / 'go.mod').read_text()}\nreplace {module} => {copy}\n")
    return modules


def _apply(what: str, change: Change, copy: Path) -> None:
    changed = copy / change.file
    text = changed.read_text()
    if text.count(change.old) != 1:
        raise EngineMissingError(f"{what}: {change.file} is not what it was; look again whether {change} is wanted")
    changed.write_text(text.replace(change.old, change.new))


def _run(what: str, command: list[str], folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineMissingError(f"`go` could not build {what} (is there a network?). It said:\n{done.stderr[-2000:]}")
    return done.stdout


def _verify(executable: Path) -> None:
    if not os.access(executable, os.X_OK):
        raise WrongChecksumError(f"{executable} is not there")
