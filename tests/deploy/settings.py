"""What the environment says about the tests of the image and of the compose file."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeploySettings(BaseSettings):
    """Every name is prefixed `DESKBUS_DEPLOY_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="DESKBUS_DEPLOY_", frozen=True)

    docker_host: str = Field(default="", description="A Docker engine to use; empty: this machine's, else one started.")
    base: str = Field(
        default="", description="The image's BASE; empty: the Dockerfile's, else one made by debootstrap."
    )
    stand_ins: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether engines come from stand-in images: where the public ones are not to be had.",
    )
    before: str = Field(
        default="1705341", description="The revision whose release is upgraded from, and gone back to, in a test."
    )
    short_seconds: float = Field(
        default=840, gt=0, description="When `python -m deploy`, the short set for CI, gives up."
    )
    cache: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "deskbus-deploy",
        description="Where an engine that is started keeps its images.",
    )
