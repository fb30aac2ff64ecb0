"""The engines of production for one fleet: Kafka, the document store and Valkey, each to be killed and started."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from engines.documents import DocumentEngine
from engines.kafka import KafkaCluster
from engines.valkey import ValkeyEngine


@dataclass(frozen=True, slots=True)
class FleetEngines:
    """Those of one test, started."""

    kafka: KafkaCluster
    kafka_nodes: int
    documents: DocumentEngine
    valkey: ValkeyEngine

    @property
    def environment(self) -> dict[str, str]:
        """Where they are, as services are told."""
        return {
            "DESKBUS_BUS_URL": self.kafka.url,
            "DESKBUS_STORE_URL": self.documents.url,
            "DESKBUS_REDIS_URL": self.valkey.url,
        }


def port_of(url: str) -> int:
    """Where an engine listens."""
    port = urlsplit(url).port
    assert port is not None, "engines of tests say their port"
    return port


def through(url: str, port: int) -> str:
    """The URL of the same engine by way of another port of this machine."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0] + f":{port}"))


@contextmanager
def fleet_engines(kafka_nodes: int) -> Iterator[FleetEngines]:
    """New ones, with nothing in them."""
    with KafkaCluster(kafka_nodes) as kafka, DocumentEngine() as documents, ValkeyEngine() as valkey:
        yield FleetEngines(kafka, kafka_nodes, documents, valkey)
