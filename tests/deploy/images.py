"""The images of a run: ours, built from this checkout, and those of the engines."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.docker_engine import DockerEngine
from deploy.machine import built_with_certificates, made_base
from deploy.settings import DeploySettings
from deploy.stand_in_images import build_stand_ins

ROOT = Path(__file__).parents[2]
_PUBLIC_BASE = "python:3.11-slim-bookworm"
_PUBLIC_ENGINE = "valkey/valkey:8.1"
NAME = "deskbus-of-this-checkout"
TAG = "tests"


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
    revision = subprocess.run(  # noqa: S603 - our own command
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"],  # noqa: S607 - of this machine
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    engine.run(
        *built_with_certificates(),
        *("--build-arg", f"BASE={base}", "--build-arg", f"REVISION={revision or 'unknown'}"),
        *("--tag", f"{NAME}:{TAG}", "--file", str(ROOT / "deploy" / "Dockerfile"), str(ROOT)),
    )
    return Images(base, {})


def with_engines(engine: DockerEngine, settings: DeploySettings, images: Images) -> Images:
    """The same, with images of engines: the public ones where they are to be had."""
    if _can_pull(engine, settings, _PUBLIC_ENGINE):
        return images
    return Images(images.base, build_stand_ins(engine, made_base(engine)))


def _can_pull(engine: DockerEngine, settings: DeploySettings, image: str) -> bool:
    if settings.stand_ins == "auto":
        return engine.has(image)
    return settings.stand_ins == "never"
