"""The system of deploy/compose, brought up as an operator would, and seen from outside."""

import json
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.docker_engine import DockerEngine
from deploy.images import Images
from deploy.layout import COMPOSE, ONE_BROKER, Layout
from faults.kafka_view import KafkaView, kafka_view
from faults.mongo_rest import unfinished_at
from faults.ports import free_port

_FIRST_ACCOUNT = ("Deskbus", "owner@deskbus.example", "support@deskbus.example")
_READY_SECONDS = 300.0
_LOOK_SECONDS = 1.0
_SHOWN = '{{.Label "com.docker.compose.service"}}|{{.State}}|{{.Status}}|{{.ID}}'
_ONE_SHOT = frozenset({"prepare", "init"})
_PUBLISHED = ("http", "https", "smtp", "prometheus", "grafana")


@dataclass(frozen=True, slots=True)
class Container:
    """One of the project, as `docker ps` tells of it."""

    service: str
    state: str
    status: str
    id: str

    @property
    def is_well(self) -> bool:
        """Whether it has done what it should, or is doing it."""
        if self.service in _ONE_SHOT:
            return self.status.startswith("Exited (0)")
        return self.state == "running" and "unhealthy" not in self.status and "starting" not in self.status


class ComposedSystem:
    """One compose project. Its methods block: call them by `asyncio.to_thread` where a loop must go on meanwhile."""

    def __init__(
        self,
        engine: DockerEngine,
        images: Images,
        project: str,
        settings: Mapping[str, str],
        layout: Layout = ONE_BROKER,
    ) -> None:
        self._engine = engine
        self._project = project
        self._brokers = layout.brokers
        self._ports = {name: free_port() for name in (*_PUBLISHED, "mongodb", *layout.brokers)}
        self.base_url = f"https://localhost:{self._ports['https']}"
        self._owner: dict[str, Any] = {}
        self._store_url = ""
        self._environment = {
            **images.variables,
            "COMPOSE_FILE": ":".join(map(str, layout.files)),
            "COMPOSE_PROJECT_NAME": project,
            "DESKBUS_PUBLIC_URL": self.base_url,
            "DESKBUS_HTTP_PUBLISH": str(self._ports["http"]),
            "DESKBUS_HTTPS_PUBLISH": str(self._ports["https"]),
            "DESKBUS_SMTP_PUBLISH": str(self._ports["smtp"]),
            "DESKBUS_ALLOW_PRIVATE_URLS": "1",
            "PROMETHEUS_PUBLISH": str(self._ports["prometheus"]),
            "GRAFANA_PUBLISH": str(self._ports["grafana"]),
            **{
                f"OUTSIDE_{name.upper().replace('-', '_')}_PORT": str(self._ports[name])
                for name in ("mongodb", *layout.brokers)
            },
            **settings,
        }

    @property
    def smtp_port(self) -> int:
        """Where it takes mail in."""
        return self._ports["smtp"]

    @property
    def owner(self) -> dict[str, Any]:
        """The first account's owner."""
        return self._owner

    @property
    def prometheus_url(self) -> str:
        """Where this machine finds its Prometheus, if that was started."""
        return f"http://127.0.0.1:{self._ports['prometheus']}"

    @property
    def grafana_url(self) -> str:
        """The same for its Grafana."""
        return f"http://127.0.0.1:{self._ports['grafana']}"

    @property
    def bus_url(self) -> str:
        """Its Kafka, as this machine reaches it."""
        return f"kafka://{','.join(f'127.0.0.1:{self._ports[name]}' for name in self._brokers)}"

    def bus_view(self) -> AbstractAsyncContextManager[KafkaView]:
        """The topics of its Kafka."""
        return kafka_view(self.bus_url)

    async def unfinished(self) -> Mapping[str, int]:
        """What its databases say is not finished."""
        return {what: many async for what, many in unfinished_at(self._store_url)}

    def compose(self, *arguments: str) -> str:
        """A compose command on this project."""
        return self._engine.compose(*arguments, environment=self._environment)

    def up(self, *also: str) -> None:
        """Start whatever does not run, and services of a profile; returns when all of it is healthy."""
        self.compose("up", "--detach", "--no-build")
        if also:
            self.compose("up", "--detach", "--no-build", "--no-deps", *also)
        self.until_healthy()
        inside = self.exec("tickets", "cat", "/run/secrets/deskbus_store_url").strip()
        self._store_url = inside.replace("mongodb:27017", f"127.0.0.1:{self._ports['mongodb']}")

    def make_first_account(self) -> None:
        """As the operator does after the first start."""
        said = self.exec(
            "tickets", *("deskbus", "account", "create", *_FIRST_ACCOUNT), "--api-url", "http://proxy:8080"
        )
        self._owner = json.loads(said)

    def scale(self, **sizes: int) -> None:
        """So many containers of each service named; returns when all are healthy."""
        numbers = [f"--scale={service}={size}" for service, size in sizes.items()]
        self.compose("up", "--detach", "--no-build", "--no-deps", "--no-recreate", *numbers, *sizes)
        self.until_healthy()

    def down(self) -> None:
        """Remove it with everything it has."""
        self.compose("--profile", "observability", "down", "--volumes", "--remove-orphans", "--timeout", "20")

    def script(self, name: str, *arguments: str) -> str:
        """Run one of the operator's scripts."""
        programs = {"DOCKER": self._engine.program, "COMPOSE": self._engine.compose_program}
        return self._engine.call([str(COMPOSE / name), *arguments], environment={**self._environment, **programs})

    def services(self) -> list[str]:
        """Those that run."""
        return sorted({one.service for one in self._containers()} - _ONE_SHOT)

    def containers(self, service: str) -> list[str]:
        """Ids of a service's containers."""
        return [one.id for one in self._containers() if one.service == service]

    def exec(self, service: str, *command: str) -> str:
        """What a command printed in one of a service's containers."""
        return self._engine.run("exec", self.containers(service)[0], *command)

    def copy_out(self, service: str, path: str, target: Path) -> None:
        """Copy a file out of a container."""
        self._engine.run("cp", f"{self.containers(service)[0]}:{path}", str(target))

    def kill(self, container: str) -> None:
        """`docker kill`, and a start as its policy or an operator would do it."""
        self.lose(container)
        self.bring_back(container)

    def lose(self, container: str) -> None:
        """`docker kill`, and nobody starts it again."""
        self._engine.run("kill", container)

    def bring_back(self, container: str) -> None:
        """Start one that was lost."""
        self._engine.run("start", container)

    def become(self, version: str) -> None:
        """From now on compose commands mean this tag of our image; what runs stays as it is."""
        self._environment["DESKBUS_VERSION"] = version

    def version_of(self, container: str) -> str:
        """The tag of the image that a container was made of."""
        return self._engine.run("inspect", "--format", "{{.Config.Image}}", container).strip().rpartition(":")[2]

    def roll(self, container: str) -> int:
        """Stop in order and start again; the exit code of the stop."""
        self._engine.run("stop", "--time", "60", container)
        code = int(self._engine.run("inspect", "--format", "{{.State.ExitCode}}", container))
        self._engine.run("start", container)
        return code

    def until_healthy(self) -> None:
        """Wait until every container is.

        Raises:
            AssertionError: one is not within minutes; with what it says.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while unwell := self._unwell():
            if time.monotonic() > deadline:
                logs = {service: self.logs(service) for service in {one.service for one in unwell}}
                raise AssertionError(f"not healthy: {unwell}: {logs}")
            time.sleep(_LOOK_SECONDS)

    def logs(self, service: str) -> str:
        """The last lines of a service's containers."""
        return self.compose("logs", "--no-color", "--tail", "30", service)

    def _unwell(self) -> list[Container]:
        return [one for one in self._containers() if not one.is_well]

    def _containers(self) -> list[Container]:
        label = f"label=com.docker.compose.project={self._project}"
        lines = self._engine.run("ps", "--all", "--no-trunc", "--filter", label, "--format", _SHOWN).splitlines()
        return [Container(*line.split("|")) for line in lines if line]
