"""A Docker engine: this machine's, or one that is started for the tests and ends with them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

from deploy.settings import DeploySettings

_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.2
_COMMAND_SECONDS = 1200.0
_ANSWER_SECONDS = 20.0
_TAIL = 4000


class NoDockerError(Exception):
    """There is no engine, and none can be started; the text says what to install."""


class DockerError(Exception):
    """A docker command failed; the text ends with what it said."""


class DockerEngine:
    """Runs docker commands, and compose's, against one engine."""

    def __init__(self, program: str, host: str) -> None:
        self.program = program
        self.host = host
        self._compose = _compose_of(program)
        self._environment = {**os.environ, **({"DOCKER_HOST": host} if host else {}), "DOCKER_BUILDKIT": "1"}

    @property
    def compose_program(self) -> str:
        """How compose is called, as one string for scripts."""
        return " ".join(self._compose)

    def run(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        seconds: float = _COMMAND_SECONDS,
        stdin: str | None = None,
    ) -> str:
        """What `docker …` printed.

        Raises:
            DockerError: it failed.
        """
        return self.call([self.program, *arguments], environment=environment, seconds=seconds, stdin=stdin)

    def compose(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """What `docker compose …` printed.

        Raises:
            DockerError: it failed.
        """
        return self.call([*self._compose, *arguments], environment=environment)

    def call(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        seconds: float = _COMMAND_SECONDS,
        stdin: str | None = None,
    ) -> str:
        """What any command printed that speaks to this engine.

        Raises:
            DockerError: it failed.
        """
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            env={**self._environment, **(environment or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            raise DockerError(f"{' '.join(command[:6])} …: {done.stdout[-_TAIL:]}{done.stderr[-_TAIL:]}")
        return done.stdout

    def answers(self) -> bool:
        """Whether the engine can be worked with."""
        return self._succeeds("version", seconds=_ANSWER_SECONDS)

    def machine_address(self) -> str:
        """Under which containers reach this machine: the first address of the default bridge."""
        said = self.run("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", "bridge")
        return str(next(ip_network(said.strip()).hosts()))

    def has(self, image: str) -> bool:
        """Whether an image is there or can be pulled."""
        if self._succeeds("image", "inspect", image, seconds=_ANSWER_SECONDS):
            return True
        # Asked for first, for it answers at once where a pull would hang.
        can_pull = self._succeeds("manifest", "inspect", image, seconds=_ANSWER_SECONDS)
        return can_pull and self._succeeds("pull", "--quiet", image, seconds=_COMMAND_SECONDS)

    def _succeeds(self, *arguments: str, seconds: float) -> bool:
        try:
            self.run(*arguments, seconds=seconds)
        except (DockerError, subprocess.TimeoutExpired):
            return False
        return True


@contextmanager
def docker_engine(settings: DeploySettings) -> Iterator[DockerEngine]:
    """The engine that is named or answers, else one of our own.

    Raises:
        NoDockerError: neither is to be had.
    """
    program = shutil.which("docker")
    if program is not None and (settings.docker_host or DockerEngine(program, "").answers()):
        yield DockerEngine(program, settings.docker_host)
        return
    daemon = shutil.which("dockerd")
    if daemon is None or os.geteuid() != 0:
        raise NoDockerError(
            "no Docker engine answers; Debian's `docker.io` and `docker-compose` can be started by root"
        )
    # The client that was installed with the daemon: one of another origin may lack what builds images.
    program = str(Path(daemon).parent.parent / "bin" / "docker")
    with _started(daemon, program, settings.cache) as engine:
        yield engine


@contextmanager
def _started(daemon: str, program: str, cache: Path) -> Iterator[DockerEngine]:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deskbus-dockerd-") as folder:
        host = f"unix://{folder}/docker.sock"
        command = [daemon, "--host", host, "--data-root", str(cache / "engine"), "--exec-root", f"{folder}/exec"]
        with (cache / "dockerd.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [*command, "--pidfile", f"{folder}/docker.pid"], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            engine = DockerEngine(program, host)
            _wait_for(engine, process, cache / "dockerd.log")
            yield engine
            # Each build leaves the image before it without a name.
            engine.run("image", "prune", "--force")
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(engine: DockerEngine, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not engine.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoDockerError(f"dockerd does not start: {log.read_text(errors='replace')[-_TAIL:]}")
        time.sleep(_LOOK_SECONDS)


def _compose_of(program: str) -> tuple[str, ...]:
    """The plugin, or the program of its own that Debian has."""
    plugin = subprocess.run([program, "compose", "version"], capture_output=True, check=False)  # noqa: S603
    if plugin.returncode == 0:
        return (program, "compose")
    return (shutil.which("docker-compose") or "docker-compose",)
