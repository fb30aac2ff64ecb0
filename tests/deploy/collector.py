"""The OpenTelemetry Collector, built by the ordinary `go` from modules whose checksums are in a `go.sum` of ours."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from deploy.docker_engine import NoDockerError
from engines.cache import Cache
from engines.errors import WrongChecksumError
from engines.progress import progress

_SOURCES = Path(__file__).parent / "stand_ins" / "otelcol"
_INPUTS = ("go.mod", "go.sum", "main.go")
_TAIL = 2000


def built_collector(cache: Cache) -> Path:
    """The executable; other inputs, another place.

    Raises:
        NoDockerError: it cannot be built here.
    """
    inputs = b"".join((_SOURCES / name).read_bytes() for name in _INPUTS)
    name = f"otelcol-{hashlib.sha256(inputs).hexdigest()[:12]}"
    return cache.provide(name, fetch=_build, verify=_verify) / "otelcol"


def _build(place: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise NoDockerError("no image of the OpenTelemetry Collector can be pulled, and `go` is not here to build it")
    with progress("Building the OpenTelemetry Collector with go (some minutes, once)"):
        done = subprocess.run(  # noqa: S603 - our own command
            [go, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", str(place / "otelcol"), "."],
            cwd=_SOURCES,
            env={**os.environ, "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise NoDockerError(f"the OpenTelemetry Collector could not be built: {done.stderr[-_TAIL:]}")


def _verify(place: Path) -> None:
    if not os.access(place / "otelcol", os.X_OK):
        raise WrongChecksumError(f"{place} has no executable")
