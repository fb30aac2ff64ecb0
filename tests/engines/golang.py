"""Commands built by the ordinary `go` from modules whose checksums are in a `go.sum` of ours."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from engines.cache import Cache
from engines.errors import EngineMissingError, WrongChecksumError
from engines.progress import progress

_CHANGES = "changes.patch"
_INPUTS = ("go.mod", "go.sum", "main.go", _CHANGES)


def command(cache: Cache, what: str, folder: Path, *, tags: str, module: str) -> Path:
    """The executable built from `folder` and from `module` with our `changes.patch`; other inputs, another place."""
    inputs = b"".join((folder / name).read_bytes() for name in _INPUTS)
    source = hashlib.sha256(inputs).hexdigest()
    place = cache.provide(
        f"{what.lower().replace(' ', '-')}-{source[:12]}",
        fetch=lambda place: _build(what, folder, place / folder.name, tags, module),
        verify=lambda place: _verify(place / folder.name),
    )
    return place / folder.name


def _build(what: str, folder: Path, target: Path, tags: str, module: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise EngineMissingError(f"{what} is built from source by `go`, which is not on PATH")
    build = [go, "build", "-mod=mod", "-trimpath", "-tags", tags, "-ldflags", "-s -w", "-o", str(target)]
    with progress(f"Building {what} with go (about two minutes, once)"), tempfile.TemporaryDirectory() as scratch:
        modules = _changed(what, go, folder, module, Path(scratch))
        _run(what, [*build, "-modfile", str(modules), "."], folder)


def _changed(what: str, go: str, folder: Path, module: str, scratch: Path) -> Path:
    """A `go.mod` that leads to a copy of the module with the changes in it; its digest was checked before."""
    _run(what, [go, "mod", "download", module], folder)
    source = _run(what, [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module], folder).strip()
    copy = scratch / "module"
    shutil.copytree(source, copy, copy_function=shutil.copyfile)
    _run(what, ["git", "apply", str(folder / _CHANGES)], copy)
    shutil.copy(folder / "go.sum", scratch / "go.sum")
    modules = scratch / "go.mod"
    modules.write_text(f"{(folder / 'go.mod').read_text()}\nreplace {module} => {copy}\n")
    return modules


def _run(what: str, command: list[str], folder: Path) -> str:
    # A scratch folder within some checkout is not a part of it: `git apply` would silently leave it alone.
    environment = {**os.environ, "CGO_ENABLED": "0", "GIT_CEILING_DIRECTORIES": tempfile.gettempdir()}
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineMissingError(
            f"{what} could not be built by `{command[0]}` (is there a network?). It said:\n{done.stderr[-2000:]}"
        )
    return done.stdout


def _verify(executable: Path) -> None:
    if not os.access(executable, os.X_OK):
        raise WrongChecksumError(f"{executable} is not there")
