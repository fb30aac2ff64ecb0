"""A Kafka cluster on this machine, for as long as a test or a test run needs it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from engines.cache import Cache
from engines.folders import DataFolder
from engines.kafka.node import KafkaNode, Seat
from engines.maven import find_java, jars
from engines.ports import free_ports
from engines.settings import EngineSettings

VERSION = "4.1.1"


class KafkaCluster:
    """Nodes 0, 1, … with fixed ports; with three, a write needs two of them (`min.insync.replicas=2`).

    A plain context manager whose methods block until done: call them by `asyncio.to_thread` where an event loop must
    go on meanwhile. All nodes die with this process. The data lives until the context ends.
    """

    def __init__(self, nodes: int = 1) -> None:
        self._count = nodes
        self._folder: DataFolder | None = None
        self._seats: list[Seat] = []
        self._nodes: list[KafkaNode] = []

    @property
    def name(self) -> str:
        """What this is, for people."""
        return f"Apache Kafka {VERSION} (KRaft, {self._count} {'node' if self._count == 1 else 'nodes'})"

    @property
    def url(self) -> str:
        """Where clients connect; the same over restarts of nodes."""
        return "kafka://" + ",".join(f"127.0.0.1:{seat.port}" for seat in self._seats)

    @property
    def pids(self) -> list[int | None]:
        """The nodes' processes; None for those that do not run."""
        return [node.pid for node in self._nodes]

    def __enter__(self) -> Self:
        java = find_java()
        code = jars(Cache(EngineSettings().engines_cache), f"Apache Kafka {VERSION}", Path(__file__).parent)
        folder = self._folder = DataFolder()
        ports = free_ports(2 * self._count)
        self._seats = [Seat(number, *ports[2 * number : 2 * number + 2]) for number in range(self._count)]
        self._nodes = [
            KafkaNode(java, code, seat, self._seats, folder.path / f"node-{seat.number}") for seat in self._seats
        ]
        try:
            with ThreadPoolExecutor(self._count) as threads:
                list(threads.map(KafkaNode.format, self._nodes))
            for node in self._nodes:
                node.spawn()
            for node in self._nodes:
                node.wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def start_node(self, number: int) -> None:
        """Start a node that was stopped or killed, with the data it had; returns when clients can work with it."""
        self._nodes[number].start()

    def stop_node(self, number: int) -> None:
        """End a node in good order: it hands over what it leads."""
        self._nodes[number].stop()

    def kill_node(self, number: int) -> None:
        """End a node by SIGKILL."""
        self._nodes[number].kill()

    def suspend_node(self, number: int) -> None:
        """Let a node stand still (SIGSTOP)."""
        self._nodes[number].suspend()

    def resume_node(self, number: int) -> None:
        """Let a suspended node go on (SIGCONT)."""
        self._nodes[number].resume()

    def _end(self) -> None:
        for node in self._nodes:
            node.kill()
        if self._folder is not None:
            self._folder.remove()
