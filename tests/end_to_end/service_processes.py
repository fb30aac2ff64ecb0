"""The services as production runs them: a process each, provisioned by `deskbus init`, behind one proxy."""

import asyncio
import json
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from deskbus.composition import SERVICE_NAMES
from deskbus.routes import known_routes
from end_to_end.front_proxy import FrontProxy
from end_to_end.process import COMMAND, START_SECONDS, STOP_SECONDS, deskbus_environment, free_ports, run_deskbus
from end_to_end.until import until

_TLS = httpx.create_ssl_context()
"""Made once: it takes longer than most requests."""
_FIRST_ACCOUNT = ("Deskbus", "owner@deskbus.example", "support@deskbus.example")


class ServiceProcess:
    """`deskbus run` of one service, with its log in a file."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        (self.port,) = free_ports(1)
        self.name = name
        self.environment = {**environment, "DESKBUS_HTTP_PORT": str(self.port)}
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pids(self) -> list[int]:
        """Of the present process."""
        return [] if self._process is None else [self._process.pid]

    def start(self) -> None:
        """Begin to start."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [COMMAND, "run", self.name],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def answer(self, path: str) -> httpx.Response | None:
        """What it says, if it listens already."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"deskbus run {self.name} ended: {self.log}")
        try:
            return httpx.get(self.url + path, timeout=10, verify=_TLS)
        except httpx.TransportError:
            return None

    def is_ready(self) -> bool:
        """Whether it says so."""
        answer = self.answer("/readyz")
        return answer is not None and answer.is_success

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit code."""
        if self._process is None:
            raise AssertionError("it was never started")
        return self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        """Make sure that it does not run any more."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class ServiceProcesses:
    """All services on the engines that are given by their URLs, as one system on one origin."""

    def __init__(self, folder: Path, *, bus_url: str, store_url: str, redis_url: str, **settings: object) -> None:
        self._front_port, self.smtp_port = free_ports(2)
        folder.mkdir(parents=True, exist_ok=True)
        self.bus_url = bus_url
        self.environment = deskbus_environment(
            folder / "home",
            bus_url=bus_url,
            store_url=store_url,
            redis_url=redis_url,
            blobs_url=(folder / "blobs").as_uri(),
            secret_key="a key for tests that guards nothing",
            public_url=self.base_url,
            smtp_port=self.smtp_port,
            trusted_proxies="127.0.0.1",
            **settings,
        )
        self._folder = folder
        self._open = ExitStack()
        self._owner: dict[str, Any] = {}
        self.services: dict[str, ServiceProcess] = {}

    @property
    def base_url(self) -> str:
        """The one origin."""
        return f"http://127.0.0.1:{self._front_port}"

    @property
    def pids(self) -> list[int]:
        """Of all services."""
        return [pid for service in self.services.values() for pid in service.pids]

    def start(self) -> None:
        """Provision, and begin to start."""
        provisioned = run_deskbus("init", "--wait", "30", environment=self.environment)
        assert provisioned.returncode == 0, provisioned.stdout + provisioned.stderr
        self.services = {name: ServiceProcess(name, self._folder, self.environment) for name in SERVICE_NAMES}
        for service in self.services.values():
            self._open.callback(service.close)
            service.start()
        routes = asyncio.run(known_routes())
        ports = {name: service.port for name, service in self.services.items()}
        self._open.enter_context(FrontProxy(self._front_port, routes, ports))

    def wait_until_ready(self) -> None:
        """Returns when every service is ready and there is a first account."""
        until(self.is_ready, START_SECONDS)
        created = run_deskbus("account", "create", *_FIRST_ACCOUNT, environment=self.environment)
        assert created.returncode == 0, created.stdout + created.stderr
        self._owner = json.loads(created.stdout)

    def is_ready(self) -> bool:
        """Whether all services say so."""
        return all(service.is_ready() for service in self.services.values())

    def owner(self) -> dict[str, Any]:
        """The first account's."""
        return self._owner

    def log(self) -> str:
        """The lines of all services."""
        return "".join(service.log for service in self.services.values())

    def metrics(self) -> str:
        """Of all services, one after the other."""
        return "".join(httpx.get(f"{service.url}/metrics", timeout=10).text for service in self.services.values())

    def api_documents(self) -> list[dict[str, Any]]:
        """Of each service its own."""
        return [httpx.get(f"{service.url}/openapi.json", timeout=30).json() for service in self.services.values()]

    def stop(self) -> int:
        """End all at once, by SIGTERM; 0 when all ended cleanly."""
        for service in self.services.values():
            service.signal(signal.SIGTERM)
        return max(service.wait() for service in self.services.values())

    def close(self) -> None:
        """Make sure that nothing is left running."""
        self._open.close()
