"""A look at a cluster from outside: are the topics of a service as declared, and would they take a record?"""

from collections.abc import Sequence

from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.cluster import Cluster
from service_kit.bus.kafka.connection import knock
from service_kit.bus.kafka.topology import WantedTopic, replicas_wanted, shortcomings


async def shortcomings_on(
    cluster: Cluster, address: KafkaAddress, wanted: Sequence[WantedTopic], *, timeout_seconds: float
) -> list[str]:
    """What is wrong, a clause for each topic.

    Raises:
        BusUnavailable: no broker answered in time.
        Refused: the cluster does not let us in.
    """
    await knock(address, timeout_seconds=timeout_seconds)
    topics = {topic.name: topic for topic in wanted}
    try:
        await cluster.open()
        found = await cluster.topics(list(topics))
        replicas = replicas_wanted(address.replication, await cluster.count_brokers())
    finally:
        await cluster.close()
    clauses = shortcomings(topics.values(), found, replicas)
    stuck = [name for name, there in found.items() if not all(partition.takes_records for partition in there)]
    return [*clauses, *(f"{name} would not take a record: a leader or replicas are missing" for name in stuck)]
