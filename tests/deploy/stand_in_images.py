"""Images that stand in for the public ones where no registry of images can be reached."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.docker_engine import DockerEngine
from deploy.go_programs import COLLECTOR, built
from deploy.machine import built_with_certificates
from engines import golang
from engines.cache import Cache
from engines.kafka.cluster import VERSION
from engines.maven import jars
from engines.settings import EngineSettings
from service_kit.valkey_binary import find_valkey

_HERE = Path(__file__).parent / "stand_ins"
_ENGINES = Path(__file__).parents[1] / "engines"
_VARIABLES = {
    "kafka": "KAFKA_IMAGE",
    "mongodb": "MONGODB_IMAGE",
    "valkey": "VALKEY_IMAGE",
    "caddy": "CADDY_IMAGE",
}
_OBSERVERS = {"prometheus": "PROMETHEUS_IMAGE", "otelcol": "OTEL_IMAGE"}
"""Grafana has no stand-in: nobody but its makers packages it."""


def build_stand_ins(engine: DockerEngine, base: str) -> dict[str, str]:
    """Build those of the engines and the proxy; the variables by which the compose file takes them."""
    cache = Cache(EngineSettings().engines_cache)
    with tempfile.TemporaryDirectory(prefix="deskbus-stand-ins-") as folder:
        context = Path(folder)
        shutil.copy(_HERE / "kafka.sh", context)
        shutil.copytree(jars(cache, f"Apache Kafka {VERSION}", _ENGINES / "kafka"), context / "kafka-libs")
        shutil.copy(_ferretdb(cache), context / "ferretdb")
        shutil.copy(find_valkey(), context / "valkey-server")
        return _built(engine, base, _HERE / "Dockerfile", context, _VARIABLES)


def build_observers(engine: DockerEngine, base: str) -> dict[str, str]:
    """Build those of the profile `observability`, as far as there are any; the variables as above."""
    with tempfile.TemporaryDirectory(prefix="deskbus-observers-") as folder:
        context = Path(folder)
        shutil.copy(built(Cache(EngineSettings().engines_cache), COLLECTOR), context / "otelcol")
        return _built(engine, base, _HERE / "observers.Dockerfile", context, _OBSERVERS)


def _built(
    engine: DockerEngine, base: str, dockerfile: Path, context: Path, variables: Mapping[str, str]
) -> dict[str, str]:
    for target in variables:
        engine.run(
            *built_with_certificates(),
            *("--target", target, "--build-arg", f"BASE={base}", "--tag", _name_of(target)),
            *("--file", str(dockerfile), str(context)),
        )
    return {variable: _name_of(target) for target, variable in variables.items()}


def _name_of(target: str) -> str:
    return f"deskbus-stand-in-for-{target}:local"


def _ferretdb(cache: Cache) -> Path:
    """The document engine of the engine tests, with a user who has to show a password."""
    theirs = _ENGINES / "documents" / "ferretdb"
    with tempfile.TemporaryDirectory(prefix="deskbus-ferretdb-") as scratch:
        folder = Path(scratch) / "ferretdb"
        folder.mkdir()
        for name in ("go.mod", "go.sum"):
            shutil.copy(theirs / name, folder)
        shutil.copy(_HERE / "main.go", folder)
        changes = ((theirs / "changes.patch").read_text(), (_HERE / "users.patch").read_text())
        (folder / "changes.patch").write_text("".join(changes))
        return golang.command(
            cache,
            "FerretDB 1.24.2 with a user",
            folder,
            tags="ferretdb_no_postgresql",
            module="github.com/FerretDB/FerretDB",
        )
