"""The images of a run: ours, built from this checkout, and those of the engines."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.docker_engine import DockerEngine
from deploy.machine import built_with_certificates, made_base
from deploy.settings import DeploySettings
from deploy.stand_in_images import build_observers, build_stand_ins

ROOT = Path(__file__).parents[2]
_PUBLIC_BASE = "python:3.11-slim-bookworm"
_PUBLIC_ENGINE = "valkey/valkey:8.1"
_PUBLIC_OBSERVER = "prom/prometheus:v3.5.0"
NAME = "deskbus-of-this-checkout"
TAG = "tests"


class NoReleaseError(Exception):
    """The sources of another release are not to be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Images:
    """What a run has built. `engines` are variables of the compose file; empty where the public images are used."""

    base: str
    engines: Mapping[str, str]

    @property
    def name(self) -> str:
        """Ours."""
        return f"{NAME}:{TAG}"

    @property
    def variables(self) -> dict[str, str]:
        """By which the compose file takes them all."""
        return {"DESKBUS_IMAGE": NAME, "DESKBUS_VERSION": TAG, "DESKBUS_BASE": self.base, **self.engines}

    def __str__(self) -> str:
        return f"{self.name} on {self.base}; engines: {', '.join(self.engines.values()) or 'the public images'}"


def build_image(engine: DockerEngine, settings: DeploySettings) -> Images:
    """Build ours alone."""
    base = settings.base or (_PUBLIC_BASE if _can_pull(engine, settings, _PUBLIC_BASE) else made_base(engine))
    done = _git("rev-parse", "HEAD")
    _build(engine, ROOT, base, revision=done.stdout.decode().strip() or "unknown", tag=TAG)
    return Images(base, {})


def build_release(engine: DockerEngine, images: Images, revision: str) -> str:
    """Build the image of another revision of this repository as its own Dockerfile says; its tag.

    Raises:
        NoReleaseError: this clone does not reach back so far.
    """
    archive = _git("archive", "--format=tar", revision)
    if archive.returncode:
        raise NoReleaseError(f"the revision {revision} is not in this clone: {archive.stderr.decode().strip()}")
    tag = f"release-{revision}"
    with tempfile.TemporaryDirectory(prefix="deskbus-release-") as folder:
        unpack = ["tar", "--extract", "--directory", folder]
        subprocess.run(unpack, input=archive.stdout, check=True)  # noqa: S603 - our own command
        _build(engine, Path(folder), images.base, revision=revision, tag=tag)
    return tag


def with_engines(engine: DockerEngine, settings: DeploySettings, images: Images) -> Images:
    """The same, with images of engines: the public ones where they are to be had."""
    if _can_pull(engine, settings, _PUBLIC_ENGINE):
        return images
    return Images(images.base, build_stand_ins(engine, made_base(engine)))


def with_observers(engine: DockerEngine, settings: DeploySettings, images: Images) -> Images:
    """The same, with images of what looks at a system; of those without a stand-in the public ones are named."""
    if _can_pull(engine, settings, _PUBLIC_OBSERVER):
        return images
    return Images(images.base, {**images.engines, **build_observers(engine, made_base(engine))})


def _build(engine: DockerEngine, sources: Path, base: str, *, revision: str, tag: str) -> None:
    engine.run(
        *built_with_certificates(),
        *("--build-arg", f"BASE={base}", "--build-arg", f"REVISION={revision}"),
        *("--tag", f"{NAME}:{tag}", "--file", str(sources / "deploy" / "Dockerfile"), str(sources)),
    )


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603 - our own command
        ["git", "-C", str(ROOT), *arguments],  # noqa: S607 - of this machine
        capture_output=True,
        check=False,
    )


def _can_pull(engine: DockerEngine, settings: DeploySettings, image: str) -> bool:
    if settings.stand_ins == "auto":
        return engine.has(image)
    return settings.stand_ins == "never"
