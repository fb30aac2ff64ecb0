"""Which engine a run uses: the one it is given, else one in a container, else one of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from engines.containers import containers_with, kafka_container, mongo_container
from engines.documents import DocumentEngine
from engines.kafka import KafkaCluster
from engines.kafka.cluster import VERSION
from engines.settings import EngineSettings


@dataclass(frozen=True)
class Engine:
    """An engine that runs."""

    url: str
    name: str
    origin: str

    def __str__(self) -> str:
        """One line for people, without a password that the URL may hold."""
        return f"{self.name}, {self.origin}"


@contextmanager
def kafka(settings: EngineSettings, *, nodes: int) -> Iterator[Engine]:
    """Kafka for as long as the context is open. A container holds one node only."""
    if settings.test_kafka_url:
        yield _given(settings.test_kafka_url, "Kafka", "DESKBUS_TEST_KAFKA_URL")
    elif nodes == 1 and (image := containers_with(f"apache/kafka:{VERSION}")):
        with kafka_container(image) as url:
            yield Engine(url, f"Apache Kafka ({image})", "in a container")
    else:
        with KafkaCluster(nodes) as cluster:
            yield Engine(cluster.url, cluster.name, "on this machine's Java")


@contextmanager
def documents(settings: EngineSettings) -> Iterator[Engine]:
    """A document engine for as long as the context is open."""
    if settings.test_mongo_url:
        yield _given(settings.test_mongo_url, "document engine", "DESKBUS_TEST_MONGO_URL")
    elif image := containers_with("mongo:8.0"):
        with mongo_container(image) as url:
            yield Engine(url, f"MongoDB ({image})", "in a container")
    else:
        with DocumentEngine() as engine:
            yield Engine(engine.url, engine.name, "on this machine")


def _given(url: str, what: str, variable: str) -> Engine:
    hosts = urlsplit(url).netloc.rpartition("@")[2]
    return Engine(url, f"{what} at {hosts}", f"given by {variable}")
