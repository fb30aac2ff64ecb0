"""What the tests of the image and of the compose file begin with; without a Docker engine they are skipped, loudly."""

from collections.abc import Iterator

import pytest

from deploy.docker_engine import DockerEngine, NoDockerError, docker_engine
from deploy.images import Images, build_image
from deploy.settings import DeploySettings
from engines import wanting

DOCKER = "a Docker engine (root and Debian's docker.io, docker-compose and debootstrap will do)"


@pytest.fixture(scope="session")
def docker() -> Iterator[DockerEngine]:
    """The machine's, or one that is started."""
    try:
        with docker_engine(DeploySettings()) as engine:
            yield engine
    except NoDockerError as error:
        pytest.skip(f"{wanting.reason(DOCKER)}: {error}")


@pytest.fixture(scope="session")
def image(docker: DockerEngine) -> Images:
    """Ours, built from this checkout."""
    try:
        return build_image(docker, DeploySettings())
    except NoDockerError as error:
        pytest.skip(f"{wanting.reason(DOCKER)}: {error}")
