"""One node of the cluster: broker and controller in one process, with its files in one folder."""

import asyncio
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from engines.errors import EngineNotReadyError
from engines.server import Server

_CLUSTER_ID = "ZGVza2J1cy1lbmdpbmVzLQ"
_HEAP = ("-Xms64m", "-Xmx384m")
_QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_ONLY_WARNINGS = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
_MOST_REPLICAS = 3
_PROBE_MS = 5000


@dataclass(frozen=True)
class Seat:
    """Where a node listens: to clients and other brokers, and as a controller."""

    number: int
    port: int
    controller_port: int


def settings(seat: Seat, seats: Sequence[Seat]) -> dict[str, str | int]:
    """What the node at `seat` is told, but for its data folder."""
    replicas = min(len(seats), _MOST_REPLICAS)
    in_sync = max(1, replicas - 1)
    listeners = f"PLAINTEXT://127.0.0.1:{seat.port},CONTROLLER://127.0.0.1:{seat.controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": seat.number,
        "controller.quorum.voters": ",".join(f"{each.number}@127.0.0.1:{each.controller_port}" for each in seats),
        "controller.listener.names": "CONTROLLER",
        "listeners": listeners,
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{seat.port}",
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # A killed node may register again only when its last session is over.
        "broker.session.timeout.ms": 4000,
        "broker.heartbeat.interval.ms": 500,
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        "log.index.size.max.bytes": 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
    }


class KafkaNode(Server):
    """One node. Its storage is formatted when it is made."""

    def __init__(self, java: Path, jars: Path, seat: Seat, seats: Sequence[Seat], folder: Path) -> None:
        folder.mkdir()
        configuration = folder / "server.properties"
        told = settings(seat, seats) | {"log.dirs": str(folder / "data")}
        configuration.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        launch = [str(java), *_HEAP, *_QUICK_START, _ONLY_WARNINGS, "-cp", f"{jars}/*"]
        super().__init__(
            f"Kafka node {seat.number}",
            [*launch, "kafka.Kafka", str(configuration)],
            folder=folder,
            answers=lambda: answers(seat),
        )
        self._format = [*launch, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(configuration)]

    def format(self) -> None:
        """Prepare the empty data folder.

        Raises:
            EngineNotReadyError: the storage tool refused.
        """
        done = subprocess.run(  # noqa: S603 - our own command
            self._format, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EngineNotReadyError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")


def answers(seat: Seat) -> bool:
    """Whether clients can work with the node, asked in a thread of its own: the caller may be in an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _is_in_cluster(seat)).result()


async def _is_in_cluster(seat: Seat) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", seat.port)
    except OSError:
        return False
    writer.close()
    client = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{seat.port}", request_timeout_ms=_PROBE_MS)
    try:
        await client.start()
        cluster = await client.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
    return any(broker["node_id"] == seat.number for broker in cluster["brokers"])
