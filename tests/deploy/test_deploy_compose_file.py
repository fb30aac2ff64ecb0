"""What can be read off the compose file and the Dockerfile without starting anything."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deskbus.composition import SERVICE_NAMES
from deskbus.engines import database_of

_ROOT = Path(__file__).parents[2]
_COMPOSE = _ROOT / "deploy" / "compose"
_OURS = (*SERVICE_NAMES, "init", "prepare")
_VARIABLE = re.compile(r"\$\{(\w+)")
_MAY_HOLD_A_PASSWORD = ("DESKBUS_BUS_URL", "DESKBUS_BLOBS_URL", "DESKBUS_SMTP_RELAY_URL")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Those of the compose file."""
    loaded: dict[str, Any] = yaml.safe_load((_COMPOSE / "compose.yaml").read_text())["services"]
    return loaded


def test_every_service_has_a_container(services: dict[str, Any]) -> None:
    """None is forgotten, and each is told which one it is."""
    assert {name: services[name]["command"] for name in SERVICE_NAMES} == {
        name: ["run", name] for name in SERVICE_NAMES
    }


@pytest.mark.parametrize("name", _OURS)
def test_our_containers_may_do_little(services: dict[str, Any], name: str) -> None:
    """No capabilities, no new privileges, nothing to be written but a /tmp and volumes."""
    service = services[name]

    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])  # noqa: S108
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_whatever_runs_on_has_limits_and_comes_back(services: dict[str, Any]) -> None:
    """Memory is limited, logs are cut, and a crash is followed by a start."""
    lasting = {name: one for name, one in services.items() if name not in {"prepare", "init"}}

    assert [name for name, one in lasting.items() if "mem_limit" not in one] == []
    assert [name for name, one in lasting.items() if one["restart"] != "unless-stopped"] == []
    assert [name for name, one in lasting.items() if one["logging"]["options"]["max-size"] != "50m"] == []


def test_engines_are_reached_by_services_only(services: dict[str, Any]) -> None:
    """They are on a network that leads nowhere, and on no port of the machine; what observes is on its loopback."""
    networks = yaml.safe_load((_COMPOSE / "compose.yaml").read_text())["networks"]
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    outside = {name for name, ports in published.items() if not all(port.startswith("127.0.0.1:") for port in ports)}

    assert networks["engines"] == {"internal": True}
    assert [services[name]["networks"] for name in ("kafka", "mongodb", "valkey")] == [["engines"]] * 3
    assert outside == {"proxy", "ingest-email"}
    assert published.keys() - outside == {"prometheus", "grafana"}


def test_public_images_have_a_version(services: dict[str, Any]) -> None:
    """What is pulled tomorrow is what was pulled today, but for fixes of it."""
    images = [_VARIABLE.sub("", one["image"]) for one in services.values()]

    assert [image for image in images if not re.search(r":[-\w.]*\d|:-trial", image)] == []


def test_no_password_stands_in_the_file(services: dict[str, Any]) -> None:
    """Secrets come from files only; a file that was made stays in its volume (S2)."""
    told = [str(name) for one in services.values() for name in one.get("environment", {})]
    secret = [name for name in told if re.search("PASSWORD|SECRET|KEY|STORE_URL|REDIS_URL", name)]

    assert [name for name in secret if not name.endswith("FILE")] == []


def test_what_may_hold_a_password_may_stand_in_a_file(services: dict[str, Any]) -> None:
    """A URL that nobody sets is not set to nothing either: that would win over the file that has it (S2)."""
    told = [services[name]["environment"] for name in (*SERVICE_NAMES, "init")]

    assert {name: one[name] for one in told for name in _MAY_HOLD_A_PASSWORD} == dict.fromkeys(_MAY_HOLD_A_PASSWORD)
    assert all("DESKBUS_STORE_URL" not in one and "DESKBUS_REDIS_URL" not in one for one in told)


def test_each_variable_is_explained() -> None:
    """Everything that the compose files take from the environment stands in `.env.example` or in the document."""
    files = [path.read_text() for path in sorted(_COMPOSE.glob("compose*.yaml"))]
    taken = {*_MAY_HOLD_A_PASSWORD, *(name for text in files for name in _VARIABLE.findall(text))}
    explained = (_COMPOSE / ".env.example").read_text() + (_ROOT / "docs/operations/compose.md").read_text()

    assert sorted(name for name in taken if not re.search(rf"\b{name}\b", explained)) == []


def test_three_brokers_are_told_to_everybody() -> None:
    """The override gives each service all brokers, and each broker the same voters."""
    override = yaml.safe_load((_COMPOSE / "compose.kafka-3.yaml").read_text())["services"]
    brokers = {name: one["environment"] for name, one in override.items() if name.startswith("kafka")}
    urls = {override[name]["environment"]["DESKBUS_BUS_URL"] for name in (*SERVICE_NAMES, "init")}

    assert {one["KAFKA_NODE_ID"] for one in brokers.values()} == {1, 2, 3}
    assert {one["KAFKA_CONTROLLER_QUORUM_VOTERS"] for one in brokers.values()} == {
        "1@kafka:9093,2@kafka-2:9093,3@kafka-3:9093"
    }
    assert urls == {"${DESKBUS_BUS_URL:-kafka://kafka:9092,kafka-2:9092,kafka-3:9092}"}


def test_the_database_user_may_use_every_database() -> None:
    """The script that makes the user names the services as their databases are named."""
    script = (_COMPOSE / "mongodb" / "users.js").read_text()
    named = re.findall(r'"(\w+)"', script.partition("[")[2].partition("]")[0])

    assert [f"deskbus_{name}" for name in named] == [database_of(name) for name in SERVICE_NAMES]


def test_the_image_is_built_from_every_package() -> None:
    """A package that joins the workspace joins the Dockerfile: its lock could not be checked without."""
    workspace = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
    members = [
        path.relative_to(_ROOT) for pattern in workspace for path in sorted(_ROOT.glob(f"{pattern}/pyproject.toml"))
    ]
    text = (_ROOT / "deploy" / "Dockerfile").read_text()

    assert [str(one) for one in members if f"COPY {one} {one.parent}/" not in text] == []
