import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from engines.kafka import KafkaCluster

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def cluster(local_engines: None) -> Iterator[KafkaCluster]:
    """One node, whatever Kafka the run was given: these tests are about our own."""
    with KafkaCluster() as cluster:
        yield cluster


def _servers(cluster: KafkaCluster) -> str:
    return cluster.url.removeprefix("kafka://")


async def _create(cluster: KafkaCluster, topic: str, *, replicas: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=_servers(cluster))
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, replicas)])
    await admin.close()


async def _send(cluster: KafkaCluster, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=_servers(cluster), acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def _read(cluster: KafkaCluster, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(topic, bootstrap_servers=_servers(cluster), auto_offset_reset="earliest") as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_a_killed_node_comes_back_with_its_data(cluster: KafkaCluster):
    """Same address, same records; a graceful stop too."""
    await _create(cluster, "kept", replicas=1)
    await _send(cluster, "kept", b"before")
    url = cluster.url
    await asyncio.to_thread(cluster.kill_node, 0)
    assert cluster.pids == [None]
    await asyncio.to_thread(cluster.start_node, 0)
    await asyncio.to_thread(cluster.stop_node, 0)
    await asyncio.to_thread(cluster.start_node, 0)
    await _send(cluster, "kept", b"after")

    assert cluster.url == url
    assert await _read(cluster, "kept", 2) == [b"before", b"after"]


async def test_a_suspended_node_answers_nothing_until_it_is_resumed(cluster: KafkaCluster):
    """As a machine that hangs: its connections stay open."""
    await _create(cluster, "paused", replicas=1)
    await asyncio.to_thread(cluster.suspend_node, 0)
    sending = asyncio.create_task(_send(cluster, "paused", b"late"))
    try:
        done, _ = await asyncio.wait([sending], timeout=0.5)
        assert not done
    finally:
        cluster.resume_node(0)
    await sending

    assert await _read(cluster, "paused", 1) == [b"late"]


async def test_three_nodes_lose_one_without_losing_writes(local_engines: None):
    """Two of three confirm a write, so the third may die (design: `min.insync.replicas=2`)."""
    cluster = KafkaCluster(nodes=3)
    await asyncio.to_thread(cluster.__enter__)
    try:
        await _create(cluster, "safe", replicas=3)
        await _send(cluster, "safe", b"on three")
        await asyncio.to_thread(cluster.kill_node, 0)
        await _send(cluster, "safe", b"on two")

        assert await _read(cluster, "safe", 2) == [b"on three", b"on two"]
    finally:
        await asyncio.to_thread(cluster.__exit__, None, None, None)
