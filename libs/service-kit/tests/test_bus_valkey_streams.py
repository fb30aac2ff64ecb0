"""What only Valkey's engine has to get right: lost answers, deleted groups, retention, and FastStream's defaults."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from faststream import AckPolicy
from faststream.specification import AsyncAPI
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from contracts.topic import Topic
from contracts.topics import TOPICS
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.codec import EventCodec
from service_kit.bus.valkey import ValkeyBus
from service_kit.bus.valkey.broker import UncopiedStream
from service_kit.bus.valkey.retention import Retention
from service_kit.bus.valkey.streams import fields_of
from service_kit.engine_valkey import ValkeyServer
from service_kit.testing.bus_harness import QUICK, Recorder, StepTaken, new_topic, numbers, running, step, steps
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RawClient = Any
"""A `Redis`, without its types: they give every part of a stream entry half a dozen shapes it never has."""
LONG_AGO = NOW - timedelta(days=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    """One server for all tests; each works on its own streams."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: ValkeyServer) -> AsyncIterator[RawClient]:
    """A connection past the bus."""
    async with Redis.from_url(server.url) as client:
        yield client


def make_bus(server: ValkeyServer, *topics: Topic, source: str = "tickets") -> ValkeyBus:
    """A bus that retries quickly and believes that it is `NOW`."""
    return ValkeyBus(
        server.url,
        source=source,
        topics=topics,
        clock=ManualClock(NOW),
        patience=QUICK,
        registry=CollectorRegistry(),
    )


async def append(client: RawClient, topic: Topic, at: datetime, *events: StepTaken, stream: str = "") -> None:
    """Write events as if they had been published at a moment."""
    codec = EventCodec([topic], source="tickets")
    for event in events:
        entry_id = f"{int(at.timestamp() * 1000)}-*"
        await client.xadd(stream or topic.name, fields_of(codec.encode(event)), id=entry_id)


async def handle_all(server: ValkeyServer, topic: Topic, count: int) -> None:
    """Let the router read and commit everything that is there."""
    recorder = Recorder()
    bus = make_bus(server, topic, source="router")
    bus.subscribe(Subscription(topic, "router", recorder))
    async with running(bus):
        await eventually(lambda: recorder.has_handled(count), seconds=20)


@pytest.mark.parametrize("consumer", ["router", "an-earlier-name"])
async def test_lost_answer(server: ValkeyServer, client: RawClient, consumer: str) -> None:
    """Records that were delivered to nobody, because the answer was lost, come before the ones that follow."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(server, topic)
    bus.subscribe(Subscription(topic, "router", recorder, max_records=2))
    await client.xgroup_create(topic.name, "router", id="0", mkstream=True)
    await append(client, topic, NOW, *steps(8))
    await client.xreadgroup("router", consumer, {topic.name: ">"}, count=5)

    async with running(bus):
        await eventually(lambda: recorder.has_handled(8), seconds=20)

    assert [event.step for event in recorder.handled if isinstance(event, StepTaken)] == list(range(8))


async def test_broken_connections(server: ValkeyServer, client: RawClient) -> None:
    """A read that breaks off is counted, so that nothing overtakes what its answer held; then reading goes on."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(server, topic)
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        await bus.publish([step(0)])
        await eventually(lambda: recorder.has_handled(1), seconds=20)
        await client.execute_command("CLIENT KILL TYPE normal SKIPME yes")
        await eventually(lambda: bus.broker.failed_reads, seconds=20)
        await bus.publish([step(1), step(2)])
        await eventually(lambda: recorder.has_handled(3), seconds=20)

    assert numbers(recorder.handled) == [0, 1, 2]


async def test_streams_are_not_copied() -> None:
    """FastStream gets the same stream however often it asks, and none under another name."""
    stream = UncopiedStream("walks-v1", group="router", consumer="router", batch=True)

    assert stream.add_prefix("") is stream
    with pytest.raises(ValueError, match="not with the prefix"):
        stream.add_prefix("other-")


async def test_server_that_hangs(server: ValkeyServer) -> None:
    """A server that hangs is as bad as none: publishing fails within seconds, and all goes on when it wakes (I3)."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(server, topic)
    bus.subscribe(Subscription(topic, "router", recorder))
    assert server.pid is not None

    async with running(bus):
        os.kill(server.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(8):
                with pytest.raises(BusUnavailable):
                    await bus.publish([step(0)])
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await bus.publish([step(0), step(1)])
        await eventually(lambda: numbers(recorder.handled) == [0, 1], seconds=20)

    assert numbers(recorder.handled) == [0, 1]


async def test_deleted_stream(server: ValkeyServer, client: RawClient) -> None:
    """A stream that somebody deletes is made again with its groups, and is read on."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(server, topic)
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        await bus.publish([step(0)])
        await eventually(lambda: recorder.has_handled(1), seconds=20)
        await client.delete(topic.name)
        await bus.publish([step(1)])
        await eventually(lambda: recorder.has_handled(2), seconds=20)

    assert numbers(recorder.handled) == [0, 1]


async def test_no_subscriber_acknowledges_first(server: ValkeyServer) -> None:
    """No subscriber has FastStream's policy that acknowledges before the handler has run."""
    bus = make_bus(server, *TOPICS)
    for topic in TOPICS:
        for group in topic.consumers:
            bus.subscribe(Subscription(topic, group, Recorder()))

    policies = {subscriber.ack_policy for subscriber in bus.broker.subscribers}

    assert len(bus.broker.subscribers) == sum(len(topic.consumers) for topic in TOPICS)
    assert policies == {AckPolicy.NACK_ON_ERROR}


async def test_asyncapi_shows_the_events(server: ValkeyServer) -> None:
    """The broker's AsyncAPI document names topic, group and the events' shapes, although types are not applied."""
    topic = new_topic(StepTaken)
    bus = make_bus(server, topic)
    bus.subscribe(Subscription(topic, "router", Recorder()))

    document = json.loads(AsyncAPI(bus.broker).to_specification().to_json())

    assert f"{topic.name}:router" in document["channels"]
    assert "StepTaken" in document["components"]["schemas"]


async def test_old_records_are_trimmed(server: ValkeyServer, client: RawClient) -> None:
    """The owner's bus removes what is older than the retention; other services' buses leave it alone."""
    topic = new_topic(retention_days=30)
    await append(client, topic, LONG_AGO, *steps(250))
    await append(client, topic, NOW, step(1000))
    await handle_all(server, topic, 251)
    before = await client.xlen(topic.name)

    async with running(make_bus(server, topic, source="tickets")):
        is_trimmed: bool = await eventually(partial(_is_shorter, client, topic.name, 150), seconds=20)
    left = await client.xrange(topic.name)

    assert before == 251
    assert is_trimmed
    assert json.loads(left[-1][1][b"value"])["step"] == 1000


async def test_trimming_spares_what_a_group_needs(server: ValkeyServer, client: RawClient) -> None:
    """However old: what a declared group has not read, or holds unacknowledged, stays."""
    topic, retention = new_topic(), Retention(client)
    await append(client, topic, LONG_AGO, *steps(400))
    await client.xgroup_create(topic.name, "router", id="0")
    await client.xgroup_create(topic.name, "reporting", id="0")

    unread = await retention.trim(topic.name, ["router", "reporting"], NOW)
    await client.xreadgroup("reporting", "reporting", {topic.name: ">"}, noack=True)
    [[_, entries]] = await client.xreadgroup("router", "router", {topic.name: ">"})
    await client.xack(topic.name, "router", *(entry_id for entry_id, _ in entries[:250]))
    held = await retention.trim(topic.name, ["router", "reporting"], NOW)
    oldest = await client.xrange(topic.name, count=1)
    pending = await client.xpending(topic.name, "router")

    assert unread == 0
    assert 0 < held <= 250
    assert oldest[0][0] <= pending["min"]
    assert pending["pending"] == 150


async def test_trimming_needs_every_declared_group(server: ValkeyServer, client: RawClient) -> None:
    """Without a declared group nobody knows what it needs: trimming is refused and removes nothing."""
    topic, retention = new_topic(), Retention(client)
    await append(client, topic, LONG_AGO, *steps(250))
    await client.xgroup_create(topic.name, "router", id="$")

    with pytest.raises(ResponseError, match="reporting is missing"):
        await retention.trim(topic.name, ["router", "reporting"], NOW)
    assert await client.xlen(topic.name) == 250


async def test_compaction_keeps_the_newest_of_each_key(server: ValkeyServer, client: RawClient) -> None:
    """A compacted topic keeps each key's newest record for ever, and loses what it supersedes once all have read it."""
    topic = new_topic(compacted=True)
    retention = Retention(client)
    for number in range(3):
        await append(client, topic, LONG_AGO, step(number, "ann"), step(number, "bob"))
    await client.xgroup_create(topic.name, "router", id="0", mkstream=True)

    unread = await retention.tend(topic, ["router"], NOW)
    await handle_all(server, topic, 6)
    await append(client, topic, NOW, step(3, "ann"), step(4, "ann"))
    removed = await Retention(client).tend(topic, ["router"], NOW)
    left = [json.loads(fields[b"value"]) for _, fields in await client.xrange(topic.name)]

    assert unread == 0
    assert removed == 5
    assert [(event["walker"], event["step"]) for event in left] == [("bob", 2), ("ann", 3), ("ann", 4)]


async def test_a_quiet_stream_is_compacted_daily(server: ValkeyServer, client: RawClient) -> None:
    """What one record superseded goes within a day, however little is added: it may be somebody erased (S3)."""
    topic, retention = new_topic(compacted=True), Retention(client)
    await append(client, topic, LONG_AGO, step(0, "ann"))
    await handle_all(server, topic, 1)
    await retention.tend(topic, ["router"], NOW)
    await append(client, topic, NOW, step(1, "ann"))
    await handle_all(server, topic, 1)

    soon = await retention.tend(topic, ["router"], NOW + timedelta(hours=1))
    later = await retention.tend(topic, ["router"], NOW + timedelta(days=1))

    assert (soon, later) == (0, 1)


async def test_old_dead_letters_are_dropped(server: ValkeyServer, client: RawClient) -> None:
    """Dead letters are kept for thirty days."""
    topic = new_topic()
    stream = topic.dead_letter_topic("router")
    await append(client, topic, NOW - timedelta(days=31), step(0), stream=stream)
    await append(client, topic, NOW - timedelta(days=29), step(1), stream=stream)
    await client.xgroup_create(topic.name, "router", id="0", mkstream=True)

    removed = await Retention(client).tend(topic, ["router"], NOW)

    assert removed == 1
    assert await client.xlen(stream) == 1


async def _is_shorter(client: RawClient, stream: str, length: int) -> bool:
    return int(await client.xlen(stream)) <= length
