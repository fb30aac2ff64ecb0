"""The image is what the compose file and Kubernetes rely on: small, unprivileged, and able to say how it is."""

import json

import pytest

from deploy.docker_engine import DockerEngine, DockerError
from deploy.images import Images
from deskbus.composition import SERVICE_NAMES

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(1800)]

_MOST_BYTES = 250_000_000
_CLOSED = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")  # noqa: S108 - inside


def _inspected(docker: DockerEngine, image: str, what: str) -> str:
    return docker.run("image", "inspect", "--format", what, image).strip()


def test_the_image_runs_on_a_file_system_that_cannot_be_written(docker: DockerEngine, image: Images) -> None:
    """With nothing but a /tmp, no capabilities and no network the command answers."""
    said = docker.run("run", *_CLOSED, image.name, "version").strip()

    assert said == "0.1.0"


def test_the_image_is_small(docker: DockerEngine, image: Images) -> None:
    """Less than 250 MB over its base."""
    ours, base = (int(_inspected(docker, name, "{{.Size}}")) for name in (image.name, image.base))

    assert ours - base < _MOST_BYTES


def test_nobody_is_root_in_it(docker: DockerEngine, image: Images) -> None:
    """The user has a fixed number, so that volumes and policies can name it."""
    said = docker.run("run", *_CLOSED, "--entrypoint", "id", image.name, "-u").strip()

    assert (_inspected(docker, image.name, "{{.Config.User}}"), said) == ("10001:10001", "10001")


def test_it_says_what_it_is_made_of(docker: DockerEngine, image: Images) -> None:
    """Labels name version and revision; a CycloneDX document names every library with its version."""
    labels = json.loads(_inspected(docker, image.name, "{{json .Config.Labels}}"))
    said = docker.run("run", *_CLOSED, "--entrypoint", "cat", image.name, labels["org.opencontainers.image.sbom"])
    document = json.loads(said)
    components = {one["name"]: one.get("version") for one in document["components"]}

    assert document["bomFormat"] == "CycloneDX"
    assert {"aiokafka", "pymongo", "fastapi", "deskbus-tickets"} <= components.keys()
    assert "mypy" not in components
    assert labels["org.opencontainers.image.version"] == "0.1.0"


def test_it_carries_nothing_of_the_machine_that_built_it(docker: DockerEngine, image: Images) -> None:
    """Certificates that a build needs stay outside, as do sources, caches and the tools that installed all."""
    certificates = ("--entrypoint", "sha256sum", image.base, "/etc/ssl/certs/ca-certificates.crt")
    expected = docker.run("run", *_CLOSED, *certificates)
    found = docker.run("run", *_CLOSED, *(image.name if part == image.base else part for part in certificates))
    places = docker.run("run", *_CLOSED, "--user", "0", "--entrypoint", "ls", image.name, "/", "/opt", "/run", "/root")

    assert found == expected
    assert not {"src", "uv", "secrets", ".cache"} & set(places.split())


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_each_service_is_in_it(docker: DockerEngine, image: Images, service: str) -> None:
    """Told nothing, `run` ends with one sentence that names what is missing."""
    with pytest.raises(DockerError, match="not set: DESKBUS_BUS_URL"):
        docker.run("run", *_CLOSED, image.name, "run", service)


def test_a_process_that_is_not_there_is_not_healthy(docker: DockerEngine, image: Images) -> None:
    """The health command asks `/readyz` of its own machine and fails where nobody answers."""
    check = json.loads(_inspected(docker, image.name, "{{json .Config.Healthcheck.Test}}"))
    with pytest.raises(DockerError):
        docker.run("run", *_CLOSED, "--entrypoint", "sh", image.name, "-c", check[-1])

    assert check[0] == "CMD-SHELL"
