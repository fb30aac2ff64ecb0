"""`python -m deploy`: the shortest proof that what is deployed works, with an engine of its own where none answers.

For CI: it ends by itself, whatever hangs, and says loudly when nothing could be deployed. What needs no engine runs in
any case, with tools (`kubectl` or `kustomize`, `promtool`) where they are to be had; kustomize is built where there is
neither.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from deploy.docker_engine import DockerEngine, NoDockerError, docker_engine
from deploy.go_programs import KUSTOMIZE, built
from deploy.images import ROOT, build_image, with_engines
from deploy.layout import PROJECT
from deploy.settings import DeploySettings
from engines.cache import Cache
from engines.errors import EnginesError
from engines.settings import EngineSettings

_BY_TOOLS = (
    "tests/deploy/test_deploy_alerts.py",
    "tests/deploy/test_deploy_kubernetes.py",
    "tests/deploy/test_deploy_kubernetes_access.py",
    "tests/deploy/test_deploy_short.py",
)
_DEPLOYED = (
    "tests/deploy/test_deploy_image.py",
    "tests/deploy/test_deploy_compose_secrets.py",
    "tests/deploy/test_deploy_compose.py::test_messages_from_outside_are_assigned_and_answered",
    "tests/deploy/test_deploy_compose.py::test_one_origin_with_tls_shows_nothing_of_the_inside",
)
_TOO_LONG = 124
_CLEAR_SECONDS = 60.0


class _TooLongError(Exception):
    """The time is up."""


def main() -> int:
    """Run the tests; the exit code of those that failed, 124 when all takes too long; no engine is no failure."""
    settings = DeploySettings()
    signal.signal(signal.SIGALRM, _time_is_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, settings.short_seconds)
        return _tested(_BY_TOOLS, _leading_to_kustomize()) or _deployed(settings)
    except _TooLongError:
        _say(f"NOT DEPLOYED: not within {settings.short_seconds:g} s")
        return _TOO_LONG


def _deployed(settings: DeploySettings) -> int:
    try:
        with docker_engine(settings) as engine:
            # Before the tests, which would skip where images cannot be had, and nobody would hear of it.
            _say(f"deploying {with_engines(engine, settings, build_image(engine, settings))}")
            try:
                return _tested(_DEPLOYED, _leading_to(engine))
            finally:
                _clear(engine)
    except (NoDockerError, EnginesError) as error:
        _say(f"NOT DEPLOYED: {error}")
        return 0


def _clear(engine: DockerEngine) -> None:
    """Remove what tests have left that had to be killed."""
    left = engine.run("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}").split()
    if left:
        engine.run("rm", "--force", "--volumes", *left)


def _leading_to_kustomize() -> dict[str, str]:
    """By what the tests find something that renders manifests."""
    if shutil.which("kubectl") or shutil.which("kustomize"):
        return {}
    try:
        return _before_others(built(Cache(EngineSettings().engines_cache), KUSTOMIZE))
    except EnginesError as error:
        _say(f"NOT RENDERED: {error}")
        return {}


def _leading_to(engine: DockerEngine) -> dict[str, str]:
    """By what the tests find the engine, and the client that goes with it."""
    return {**_before_others(Path(engine.program)), "DESKBUS_DEPLOY_DOCKER_HOST": engine.host}


def _before_others(program: Path) -> dict[str, str]:
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def _tested(tests: Sequence[str], told: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", "-m", "deploy", *tests, *sys.argv[1:]]
    running = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **told})  # noqa: S603 - our own command
    try:
        return running.wait()
    finally:
        _end(running)


def _end(running: "subprocess.Popen[bytes]") -> None:
    """As Ctrl-C does, so that the system is taken down; what does not heed it is killed."""
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
        try:
            running.wait(_CLEAR_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _time_is_up(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _TooLongError


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
