"""Making the topics of a service, once and for all of its replicas."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from service_kit.bus.kafka.cluster import Cluster
from service_kit.bus.kafka.connection import unavailable
from service_kit.bus.kafka.topology import (
    TopicsUnfit,
    WantedTopic,
    in_sync_needed,
    replicas_wanted,
    shortcomings,
)
from service_kit.bus.port import BusUnavailable

_CREATE_SECONDS = 30.0
_POLL_SECONDS = 0.05

log = structlog.get_logger(__name__)


async def provide(
    wanted: Sequence[WantedTopic], options: dict[str, Any], *, replication: int | None, timeout_seconds: float
) -> None:
    """Create those topics that are missing; returns when they can be written.

    A topic that has too few partitions is not given more: its keys would change partitions, and events of one
    ticket would be handled out of order.

    Raises:
        BusUnavailable: the cluster did not answer.
        TopicsUnfit: a topic that exists has too few partitions or replicas, or the cluster refuses to make one.
    """
    cluster = Cluster(options, timeout_seconds=timeout_seconds)
    try:
        await cluster.open()
        replicas = replicas_wanted(replication, await cluster.count_brokers())
        names = [topic.name for topic in wanted]
        there = await cluster.topics(names)
        if missing := [topic for topic in wanted if topic.name not in there]:
            await _create(missing, options, replicas)
        if unfit := shortcomings([topic for topic in wanted if topic.name in there], there, replicas):
            raise TopicsUnfit(
                f"Kafka's topics are not as declared: {'; '.join(unfit)}. Partitions are never added, because that "
                "breaks the order of keys: drain the topic and create it anew, or move its replicas"
            )
        await _wait_until_writable(cluster, names)
    finally:
        await cluster.close()


async def _create(missing: Sequence[WantedTopic], options: dict[str, Any], replicas: int) -> None:
    in_sync = {"min.insync.replicas": str(in_sync_needed(replicas))}
    topics = [
        NewTopic(topic.name, topic.partitions, replicas, topic_configs={**topic.settings, **in_sync})
        for topic in missing
    ]
    client = AIOKafkaAdminClient(**options, request_timeout_ms=int(_CREATE_SECONDS * 1000))
    try:
        with unavailable("creating topics"):
            async with asyncio.timeout(_CREATE_SECONDS):
                await client.start()
                answer = await client.create_topics(topics)
    finally:
        await client.close()
    for name, code, message in answer.topic_errors:
        failure = for_code(code)
        if failure not in {NoError, TopicAlreadyExistsError}:
            raise TopicsUnfit(f"Kafka refuses to create {name}: {message or failure.__name__}")
        log.info("topic_provided", topic=name, replicas=replicas)


async def _wait_until_writable(cluster: Cluster, names: Sequence[str]) -> None:
    """A new topic has no leaders for a moment."""
    try:
        async with asyncio.timeout(_CREATE_SECONDS):
            while True:
                found = await cluster.topics(names)
                if all(one.takes_records for name in names for one in found.get(name, ())) and len(found) == len(names):
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise BusUnavailable("Kafka has created topics, but they have no leaders or too few replicas yet") from None
