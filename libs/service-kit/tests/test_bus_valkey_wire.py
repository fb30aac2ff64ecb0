"""Commands of many callers on one connection, and what a reader asks before it handles a batch."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from service_kit.bus import Subscription
from service_kit.bus.codec import EventCodec
from service_kit.bus.consumption import Consumption
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.patience import Patience
from service_kit.bus.record import Record
from service_kit.bus.valkey.broker import StreamBroker
from service_kit.bus.valkey.connection import open_client
from service_kit.bus.valkey.reader import StreamReader
from service_kit.bus.valkey.shared_wire import SharedWire
from service_kit.bus.valkey.streams import fields_of, records_of
from service_kit.bus.valkey.wire import Wire
from service_kit.testing.bus_harness import Recorder, new_topic, numbers, step


@pytest_asyncio.fixture
async def wire(valkey_url: str) -> AsyncIterator[SharedWire]:
    """A shared wire to the tests' server."""
    wire = SharedWire(Wire(valkey_url, timeout_seconds=5.0))
    yield wire
    await wire.close()


async def test_each_caller_gets_its_answers(wire: SharedWire) -> None:
    """However many ask at once: each gets the answers to its own commands, in their order."""
    asked = [wire.ask(("ECHO", f"{number}a"), ("ECHO", f"{number}b")) for number in range(100)]

    answers = await asyncio.gather(*asked)

    assert answers == [[f"{number}a".encode(), f"{number}b".encode()] for number in range(100)]


async def test_a_refusal_is_the_callers_own(wire: SharedWire) -> None:
    """A command that the server refuses is told to whoever sent it, and costs nobody else an answer."""
    before, refused, after = await asyncio.gather(
        wire.ask(("ECHO", "before")), wire.ask(("NO-SUCH-COMMAND",)), wire.ask(("ECHO", "after"))
    )

    assert (before, after) == ([b"before"], [b"after"])
    assert isinstance(refused[0], ResponseError)


async def test_a_caller_that_gives_up(wire: SharedWire) -> None:
    """A caller that is cancelled takes nobody's answer along."""
    asked = [asyncio.create_task(wire.ask(("ECHO", str(number)))) for number in range(10)]
    await asyncio.sleep(0)  # one turn of the loop: all have asked
    asked[3].cancel()

    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(answers.pop(3), asyncio.CancelledError)
    assert answers == [[str(number).encode()] for number in range(10) if number != 3]


async def test_groups_of_one_stream_read_apart(valkey_url: str) -> None:
    """Two groups of one service that wait for the same stream are each told what they have not seen, and no more."""
    topic, broker = new_topic(), StreamBroker(valkey_url, timeout_seconds=5.0)
    connected: Any = await broker.connect()
    server: Any = open_client(valkey_url, timeout_seconds=5.0)
    for group in ("early", "late"):
        await server.xgroup_create(topic.name, group, id="0", mkstream=True)
    await server.xadd(topic.name, {"number": "1"})
    await server.xreadgroup("early", "early", {topic.name: ">"})

    early, late = await asyncio.gather(
        *(connected.xreadgroup(group, group, {topic.name: ">"}, 10, 50, noack=False) for group in ("early", "late"))
    )
    await broker.stop()
    await server.aclose()

    assert early == []
    assert [fields for _, entries in late for _, fields in entries] == [{b"number": b"1"}]


async def test_a_failed_read_is_made_up_for(valkey_url: str, wire: SharedWire) -> None:
    """After a read whose answer was lost, what it would have brought is handled before the next batch."""
    topic, recorder, failed = new_topic(), Recorder(), [0]
    client: Any = open_client(valkey_url, timeout_seconds=5.0)
    await client.xgroup_create(topic.name, "router", id="0", mkstream=True)
    codec = EventCodec([topic], source="tickets")
    reader = _reader(client, wire, Subscription(topic, "router", recorder), codec, lambda: failed[0])

    async def deliver(number: int) -> list[Record]:
        await client.xadd(topic.name, fields_of(codec.encode(step(number))))
        [[_, entries]] = await client.xreadgroup("router", "router", {topic.name: ">"})
        return records_of(entries)

    await reader.take(await deliver(0))
    await reader.take(await deliver(1))
    await deliver(2)  # nobody gets it
    failed[0] += 1
    await reader.take(await deliver(3))
    pending = await client.xpending(topic.name, "router")
    await client.aclose()

    assert numbers(recorder.handled) == [0, 1, 2, 3]
    assert pending["pending"] == 0


def _reader(
    client: Redis, wire: SharedWire, subscription: Subscription, codec: EventCodec, failed: Callable[[], int]
) -> StreamReader:
    metrics = BusMetrics(CollectorRegistry())
    consumption = Consumption.of(
        subscription,
        decode=lambda record: codec.decode(subscription.topic, record),
        set_aside=_never,
        pause=_go_on,
        jitter=lambda: 0.0,
        patience=Patience(),
        metrics=metrics,
    )
    return StreamReader(client, wire, subscription, consumption, failed_reads=failed, pause=_go_on, metrics=metrics)


async def _go_on(_seconds: float) -> bool:
    return True


async def _never(record: Record, verdict: object) -> None:
    raise AssertionError(f"{record.position} was set aside: {verdict}")
