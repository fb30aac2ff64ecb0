"""The rights of examples/strimzi/users.yaml on a real Kafka: enough for each service, and no more."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.protocol.admin import CreateAclsRequest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

import engines.kafka
from contracts.topics import TOPICS
from deploy.kubernetes_manifests import Manifest, of_kind, written
from deskbus.composition import SERVICE_NAMES, compose_one
from deskbus.engines import Engines
from deskbus.local_disks import LocalDisks
from deskbus.redis_engine import open_redis
from engines.cache import Cache
from engines.kafka.cluster import VERSION
from engines.kafka.node import KafkaNode, Seat
from engines.maven import find_java, jars
from engines.ports import free_ports
from engines.settings import EngineSettings
from service_kit.bus import Bus
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.platform import Platform
from service_kit.settings import PlatformSettings
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

_LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:{seat.port},SASL_PLAINTEXT://127.0.0.1:{port},\\
  CONTROLLER://127.0.0.1:{seat.controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{seat.port},SASL_PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
"""Whoever comes without a password is the administrator of this test; those with one have only their rights."""

_RESOURCES = {"topic": 2, "group": 3}
_PATTERNS = {"literal": 3, "prefix": 4}
_OPERATIONS = {"All": 2, "Read": 3, "Write": 4, "Describe": 8}
_ALLOW = 3


def _users() -> dict[str, Manifest]:
    return of_kind(written("examples/strimzi/users.yaml"), "KafkaUser")


def _acls(users: dict[str, Manifest]) -> Iterator[CreateAclsRequest]:
    """What Strimzi's user operator would ask Kafka for."""
    for name, user in users.items():
        for acl in user["spec"]["authorization"]["acls"]:
            resource = acl["resource"]
            for operation in acl["operations"]:
                yield CreateAclsRequest(
                    _RESOURCES[resource["type"]],
                    resource["name"],
                    _PATTERNS[resource["patternType"]],
                    f"User:{name}",
                    "*",
                    _OPERATIONS[operation],
                    _ALLOW,
                )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A Kafka that lets in the users of the example, with their rights."""
    folder, users = tmp_path_factory.mktemp("rights"), _users()
    code = jars(Cache(EngineSettings().engines_cache), f"Apache Kafka {VERSION}", Path(engines.kafka.__file__).parent)
    port, *places = free_ports(3)
    seat = Seat(0, *places)
    node = KafkaNode(find_java(), code, seat, [seat], folder / "node")
    with (folder / "node" / "server.properties").open("a") as settings:
        settings.write(_LISTENERS.format(seat=seat, port=port))
    for name in users:
        node._format += ["--add-scram", f"SCRAM-SHA-512=[name={name},password=right]"]
    await asyncio.to_thread(node.format)
    await asyncio.to_thread(node.start)
    client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{seat.port}")
    await client.bootstrap()
    for request in _acls(users):
        answer = (await client.send(0, request)).to_object()
        assert [one["error_code"] for one in answer["creation_responses"]] == [0], answer
    await client.close()
    yield f"127.0.0.1:{port}"
    await asyncio.to_thread(node.kill)


def _url(place: str, user: str) -> str:
    return f"kafka://deskbus-{user}:right@{place}?security=SASL_PLAINTEXT&replication=1"


def _platform(place: str, folder: Path, service: str, *, user: str) -> Platform:
    """A service as it is composed, on a bus where it is this user; its subscriptions are its own."""
    settings = PlatformSettings().model_copy(
        update={
            "bus_url": _url(place, user),
            "store_url": f"sqlite:///{folder}",
            "blobs_url": "",
            "secret_key": SecretStr("-" * 16),
        }
    )
    nowhere = "redis://localhost"
    registries = {service: CollectorRegistry()}
    engines_of_it = Engines(settings, open_redis(nowhere), nowhere, LocalDisks([], 0), registries)
    return compose_one(engines_of_it, service)[1]


@asynccontextmanager
async def _producer(place: str, user: str) -> AsyncIterator[AIOKafkaProducer]:
    options = KafkaAddress.parse(_url(place, user)).client_options()
    producer = AIOKafkaProducer(**options, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _refused(producer: AIOKafkaProducer, topics: Sequence[str]) -> list[str]:
    """Those of the topics that the producer may not write."""
    refused = []
    for topic in topics:
        try:
            await producer.send_and_wait(topic, b"{}", key=b"key")
        except TopicAuthorizationFailedError:
            refused.append(topic)
    return refused


async def _is_well(bus: Bus) -> bool:
    await bus.ping()
    return True


async def test_rights_are_enough_and_no_more(place: str, tmp_path: Path):
    """The operator makes all topics; every service joins its groups, and writes what it produces, nothing else (S2)."""
    for service in SERVICE_NAMES:
        await _platform(place, tmp_path, service, user="operator").bus.provision()
    async with AsyncExitStack() as stack:
        buses = [_platform(place, tmp_path, service, user=service).bus for service in SERVICE_NAMES]
        for bus in buses:
            stack.push_async_callback(bus.stop)
        await asyncio.gather(*(bus.start() for bus in buses))
        for bus in buses:
            await eventually(partial(_is_well, bus), seconds=60)

    names = [topic.name for topic in TOPICS]
    refused = {}
    for service in SERVICE_NAMES:
        own = [topic.dead_letter_topic(service) for topic in TOPICS if service in topic.consumers]
        async with _producer(place, service) as producer:
            refused[service] = await _refused(producer, [*names, *own])

    assert refused == {
        service: [topic.name for topic in TOPICS if service not in topic.producers] for service in SERVICE_NAMES
    }
