"""Jars and all that they need, fetched by the ordinary `mvn` from wherever it is set up to fetch."""

import re
import shutil
import subprocess
from pathlib import Path

from engines.cache import Cache
from engines.checksums import read_sums, verify
from engines.errors import EngineMissingError
from engines.progress import progress

_LEAST_JAVA = 17
_JAVA_VERSION = re.compile(r'version "(\d+)')
_OUTPUT_LINES = 15


def find_java() -> Path:
    """The machine's Java.

    Raises:
        EngineMissingError: there is none, or it is too old.
    """
    found = shutil.which("java")
    if found is None:
        raise EngineMissingError(f"there is no `java` on PATH; install a JDK of version {_LEAST_JAVA} or newer")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    version = _JAVA_VERSION.search(said)
    if version is None or int(version[1]) < _LEAST_JAVA:
        raise EngineMissingError(f"{found} is too old; install a JDK of version {_LEAST_JAVA} or newer")
    return Path(found).resolve()


def jars(cache: Cache, what: str, folder: Path) -> Path:
    """A folder with the jars that `folder/pom.xml` asks for; they are the ones of `folder/sha256sums`."""
    sums = read_sums(folder / "sha256sums")
    return cache.provide(
        what.lower().replace(" ", "-"),
        fetch=lambda place: _copy_dependencies(what, folder / "pom.xml", place, expected=set(sums)),
        verify=lambda place: verify(place, sums),
    )


def _copy_dependencies(what: str, pom: Path, place: Path, *, expected: set[str]) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise EngineMissingError(f"{what} is fetched with Maven: install `mvn` and a JDK ≥ {_LEAST_JAVA}")
    command = [maven, "--batch-mode", "--file", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={place}"]
    said: list[str] = []
    with (
        progress(f"Fetching {what} with mvn ({len(expected)} jars)", steps=len(expected)) as advance,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running,  # noqa: S603
    ):
        for line in running.stdout or ():
            said.append(line.rstrip())
            if "Downloaded" in line and any(f"/{name} " in line for name in expected):
                advance()
    if running.returncode:
        tail = "\n".join(said[-_OUTPUT_LINES:])
        raise EngineMissingError(f"`mvn` could not fetch {what} (is there a network?). It said:\n{tail}")
