"""Folders of secrets of an operator's own: what is given stays, what is missing is made, and services read both."""

from pathlib import Path

import pytest

from deploy.docker_engine import DockerEngine
from deploy.images import Images
from deploy.layout import COMPOSE

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(1800)]

_RELAY = "smtps://desk:hush@relay.example:465"
_PASSWORD = "of-our-own"
_GIVEN = {"deskbus/deskbus_smtp_relay_url": _RELAY, "mongodb/deskbus_password": _PASSWORD}
_MADE = {
    "deskbus/deskbus_blobs_url",
    "deskbus/deskbus_bus_url",
    "deskbus/deskbus_redis_url",
    "deskbus/deskbus_secret_key",
    "deskbus/deskbus_store_url",
    "grafana/password",
    "mongodb/root_password",
    "valkey/valkey.conf",
}
_CLOSED = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")  # noqa: S108 - inside


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Folders in which an operator has put what they care about."""
    for name in ("deskbus", "mongodb", "valkey", "grafana"):
        (tmp_path / name).mkdir()
    for name, text in _GIVEN.items():
        (tmp_path / name).write_text(f"{text}\n")
    return tmp_path


def _prepare(docker: DockerEngine, image: Images, secrets: Path, routes: Path) -> dict[str, str]:
    """What the folders hold after the container `prepare` has run."""
    volumes = (f"{COMPOSE / 'prepare.sh'}:/prepare.sh:ro", f"{secrets}:/secrets", f"{routes}:/routes")
    mounted = (part for one in volumes for part in ("--volume", one))
    docker.run("run", *_CLOSED, "--user", "0:0", *mounted, "--entrypoint", "sh", image.name, "/prepare.sh")
    return {str(one.relative_to(secrets)): one.read_text().strip() for one in secrets.rglob("*") if one.is_file()}


def test_given_secrets_stay_and_missing_ones_are_made(
    docker: DockerEngine, image: Images, secrets: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A second start makes nothing anew; what is made belongs together (S2)."""
    routes = tmp_path_factory.mktemp("routes")
    first = _prepare(docker, image, secrets, routes)
    second = _prepare(docker, image, secrets, routes)

    assert first.keys() == _MADE | _GIVEN.keys()
    assert {name: first[name] for name in _GIVEN} == _GIVEN
    assert second == first
    assert f"//deskbus:{_PASSWORD}@mongodb:" in first["deskbus/deskbus_store_url"]
    assert first["valkey/valkey.conf"].removeprefix("requirepass ") in first["deskbus/deskbus_redis_url"]
    assert len({text for name, text in first.items() if name in _MADE}) == len(_MADE)
    assert (routes / "routes.caddy").stat().st_size > 0


def test_services_read_what_is_in_the_folder(
    docker: DockerEngine, image: Images, secrets: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The unprivileged user of the image finds all that it needs there, a relay with a password too, and hides it."""
    _prepare(docker, image, secrets, tmp_path_factory.mktemp("routes"))
    folder = ("--volume", f"{secrets / 'deskbus'}:/run/secrets:ro")
    said = docker.run("run", *_CLOSED, *folder, image.name, "check-config", "--production")

    assert "DESKBUS_BUS_URL = 'kafka://kafka:9092'" in said
    assert "relay.example:465" in said
    assert [secret for secret in ("hush", _PASSWORD) if secret in said] == []
