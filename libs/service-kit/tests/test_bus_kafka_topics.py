"""Making and checking topics on a real Kafka."""

import json
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from faststream import AckPolicy
from faststream.specification import AsyncAPI
from prometheus_client import CollectorRegistry

from contracts.topic import Topic
from contracts.topics import TOPICS
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.topology import TopicsUnfit
from service_kit.testing.bus_harness import QUICK, Recorder, StepTaken, new_topic, running

pytestmark = pytest.mark.engines


def make_bus(url: str, *topics: Topic, source: str = "tickets") -> KafkaBus:
    """A bus that gives up soon."""
    return KafkaBus(
        url, source=source, topics=topics, patience=QUICK, registry=CollectorRegistry(), ready_timeout_seconds=10.0
    )


async def settings_of(url: str, topic: str) -> dict[str, str]:
    """How a topic was made."""
    client = AIOKafkaAdminClient(**KafkaAddress.parse(url).client_options())
    await client.start()
    [answer] = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    await client.close()
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}


async def test_provisioning_is_repeatable(kafka_url: str):
    """The owner's topics are made as declared; to provide them again changes nothing."""
    topic = new_topic(retention_days=9)
    bus = make_bus(kafka_url, topic)
    await bus.provision()
    await bus.provision()

    settings = await settings_of(kafka_url, topic.name)
    letters = await settings_of(kafka_url, topic.dead_letter_topic("router"))

    assert settings["retention.ms"] == str(9 * 86_400_000)
    assert letters["retention.ms"] == str(30 * 86_400_000)
    assert int(letters["max.message.bytes"]) > int(settings["max.message.bytes"]) > 1024 * 1024


async def test_missing_topics_are_named(kafka_url: str):
    """A bus whose topics nobody has made says which, and what to do; a reader does not make them itself."""
    topic = new_topic()
    bus = make_bus(kafka_url, topic, source="router")
    bus.subscribe(Subscription(topic, "router", Recorder()))
    await bus.provision()

    with pytest.raises(TopicsUnfit) as refused:
        await bus.start()
    assert f"{topic.name} is missing" in str(refused.value)
    assert f"{topic.name}-router-dlq is missing" in str(refused.value)
    assert "deskbus init" in str(refused.value)


async def test_too_few_partitions(kafka_url: str):
    """Partitions are never added to a topic, because that breaks the order of keys: both ways in say so."""
    topic = replace(new_topic(), partitions=2)
    await make_bus(kafka_url, topic).provision()
    wider = replace(topic, partitions=3)

    with pytest.raises(TopicsUnfit, match=f"{topic.name} has 2 of 3 partitions.*order of keys"):
        await make_bus(kafka_url, wider).provision()
    with pytest.raises(TopicsUnfit, match=f"{topic.name} has 2 of 3 partitions.*deskbus init"):
        await make_bus(kafka_url, wider).start()


async def test_more_copies_than_brokers(kafka_url: str):
    """A cluster that cannot keep so many copies refuses, and that is said in one sentence."""
    with pytest.raises(TopicsUnfit, match="refuses to create"):
        await make_bus(f"{kafka_url}?replication=15", new_topic()).provision()


async def test_nobody_there():
    """Without a cluster, provisioning fails in time."""
    bus = KafkaBus(
        "kafka://127.0.0.1:9", source="tickets", topics=[new_topic()], registry=CollectorRegistry(),
        ready_timeout_seconds=0.5,
    )  # fmt: skip

    with pytest.raises(BusUnavailable, match="did not answer within"):
        await bus.provision()
    await bus.stop()


async def test_a_password_where_none_is_asked(kafka_url: str):
    """A cluster that refuses how we introduce ourselves is not waited for: somebody must change the settings."""
    with_user = kafka_url.replace("kafka://", "kafka://tickets:hush@")
    bus = make_bus(f"{with_user}?security=SASL_PLAINTEXT", new_topic())

    with pytest.raises(Exception, match="refuses us") as refused:
        await bus.start()
    assert type(refused.value).__name__ == "Refused"
    assert "hush" not in str(refused.value)


async def test_no_subscriber_acknowledges_first():
    """No subscriber has FastStream's policy that acknowledges before the handler has run, nor commits by itself."""
    bus = make_bus("kafka://127.0.0.1:9", *TOPICS)
    for topic in TOPICS:
        for group in topic.consumers:
            bus.subscribe(Subscription(topic, group, Recorder()))

    policies = {subscriber.ack_policy for subscriber in bus.broker.subscribers}
    commits = {subscriber._connection_args["enable_auto_commit"] for subscriber in bus._members.subscribers.values()}

    assert len(bus.broker.subscribers) == sum(len(topic.consumers) for topic in TOPICS)
    assert policies == {AckPolicy.NACK_ON_ERROR}
    assert commits == {False}


async def test_asyncapi_shows_the_events():
    """The broker's AsyncAPI document names topic, group and the events' shapes, although types are not applied."""
    topic = new_topic(StepTaken)
    bus = make_bus("kafka://127.0.0.1:9", topic)
    bus.subscribe(Subscription(topic, "router", Recorder()))

    document = json.loads(AsyncAPI(bus.broker).to_specification().to_json())

    assert f"{topic.name}:router" in document["channels"]
    assert "StepTaken" in document["components"]["schemas"]


async def test_the_owner_may_leave_what_others_need(kafka_url: str):
    """A service starts without topics that it neither writes nor reads."""
    async with running(make_bus(kafka_url, new_topic(), source="reporting")) as bus:
        await bus.ping()

        assert bus.broker.subscribers == []
