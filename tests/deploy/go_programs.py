"""Programs built by the ordinary `go`, from modules whose checksums are in a `go.sum` of ours."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from engines.cache import Cache
from engines.errors import EngineMissingError, WrongChecksumError
from engines.progress import progress

_HERE = Path(__file__).parent
_TAIL = 2000


@dataclass(frozen=True, slots=True)
class GoProgram:
    """One executable; `sources` holds its `go.mod` and `go.sum`, and whatever else it is made of."""

    name: str
    title: str
    sources: Path
    package: str = "."


COLLECTOR = GoProgram("otelcol", "the OpenTelemetry Collector", _HERE / "stand_ins" / "otelcol")
KUSTOMIZE = GoProgram("kustomize", "kustomize", _HERE / "kustomize", "sigs.k8s.io/kustomize/kustomize/v5")


def built(cache: Cache, program: GoProgram) -> Path:
    """The executable; other sources, another place.

    Raises:
        EngineMissingError: it cannot be built here.
    """
    inputs = b"".join(path.read_bytes() for path in sorted(program.sources.iterdir()))
    folder = f"{program.name}-{hashlib.sha256(inputs).hexdigest()[:12]}"
    place = cache.provide(
        folder,
        fetch=lambda place: _build(program, place / program.name),
        verify=lambda place: _verify(place / program.name),
    )
    return place / program.name


def _build(program: GoProgram, target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise EngineMissingError(f"{program.title} is built by `go`, which is not on PATH")
    with progress(f"Building {program.title} with go (some minutes, once)"):
        done = subprocess.run(  # noqa: S603 - our own command
            [go, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", str(target), program.package],
            cwd=program.sources,
            env={**os.environ, "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise EngineMissingError(f"{program.title} could not be built: {done.stderr[-_TAIL:]}")


def _verify(executable: Path) -> None:
    if not os.access(executable, os.X_OK):
        raise WrongChecksumError(f"{executable} is not there")
