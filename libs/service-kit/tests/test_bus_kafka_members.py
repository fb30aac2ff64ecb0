"""Several replicas of a service share the partitions of its group."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from contracts.envelope import Event
from contracts.topic import Topic
from service_kit.bus import Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.bus.patience import Patience
from service_kit.testing.bus_harness import (
    MOMENT,
    QUICK,
    Recorder,
    StepTaken,
    Tired,
    WalkEnded,
    new_topic,
    numbers,
    publish_stubbornly,
    running,
    step,
    steps,
)
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(120)]

WALKERS = [f"walker{number}" for number in range(30)]


def make_bus(
    url: str, topic: Topic, *, patience: Patience = QUICK, registry: CollectorRegistry | None = None
) -> KafkaBus:
    """One replica of "tickets"."""
    return KafkaBus(url, source="tickets", topics=[topic], patience=patience, registry=registry or CollectorRegistry())


async def test_members_come_and_go(kafka_url: str):
    """Three replicas join and leave under traffic: nothing is lost, and each key's order holds.

    What a leaving member had handled and could not commit may be handled again; its first time is in order.
    """
    topic, handled = new_topic(), list[Event]()
    shares = {"a": 0, "b": 0, "c": 0}

    def member(name: str) -> KafkaBus:
        async def handle(events: Sequence[Event]) -> None:
            await asyncio.sleep(0.01)  # as a store takes its time: a batch is in hand when a member leaves
            handled.extend(events)
            shares[name] += len(events)

        bus = make_bus(kafka_url, topic)
        bus.subscribe(Subscription(topic, "tickets-members", handle, max_records=40))
        return bus

    async def leave(bus: KafkaBus) -> None:
        so_far = len(handled)
        await eventually(lambda: len(handled) >= so_far + 300, seconds=30)
        await bus.stop()

    publisher = make_bus(kafka_url, replace(topic, consumers=("tickets-members",)))  # type: ignore[arg-type]
    quiet, sent = asyncio.Event(), list[Event]()

    async def traffic() -> None:
        while not quiet.is_set():
            events = [step(len(sent) // len(WALKERS), walker) for walker in WALKERS]
            sent.extend(events)
            await publish_stubbornly(publisher, events)
            await eventually(lambda: len(handled) > len(sent) - 600, seconds=30)

    async with running(publisher), AsyncExitStack() as members:
        first, second, third = member("a"), member("b"), member("c")
        sending = asyncio.create_task(traffic())
        for bus in (first, second, third):
            await members.enter_async_context(running(bus))
        await eventually(lambda: all(shares.values()), seconds=30)
        await leave(first)
        await leave(third)
        quiet.set()
        await sending
        await eventually(lambda: len({event.id for event in handled}) == len(sent), seconds=30)

    assert all(numbers(handled, walker) == numbers(sent, walker) for walker in WALKERS)
    assert all(shares.values())


async def test_a_waiting_batch_is_let_go(kafka_url: str):
    """A member that waits to try again holds nobody up: who joins gets its share, and the records, at once."""
    topic, recorder = replace(new_topic(), partitions=2), Recorder()
    patient = Patience(first_seconds=60.0, longest_seconds=60.0, restart_seconds=60.0)

    def judge(_: Sequence[Event]) -> None:
        raise Tired("uphill")

    tired = Recorder(judge)
    stuck, fresh = make_bus(kafka_url, topic, patience=patient), make_bus(kafka_url, topic)
    stuck.subscribe(Subscription(topic, "router", tired))
    fresh.subscribe(Subscription(topic, "router", recorder))
    events = [step(0, walker) for walker in WALKERS]

    async with running(stuck):
        await stuck.publish(events)
        await eventually(lambda: tired.calls, seconds=20)
        async with asyncio.timeout(20), running(fresh):
            await eventually(lambda: recorder.handled, seconds=20)
            await stuck.stop()
            await eventually(lambda: len({event.id for event in recorder.handled}) == len(events), seconds=20)

    assert {event.id for event in recorder.handled} == {event.id for event in events}


async def test_other_topics_go_on(kafka_url: str):
    """A replica that joins waits for a long batch of one topic only: readers of another go on meanwhile (A7)."""
    long, short, leave, recorder = new_topic(WalkEnded), new_topic(), asyncio.Event(), Recorder()

    async def hold(_: Sequence[Event]) -> None:
        await leave.wait()

    def replica() -> KafkaBus:
        bus = KafkaBus(kafka_url, source="tickets", topics=[long, short], patience=QUICK, registry=CollectorRegistry())
        bus.subscribe(Subscription(long, "router", hold))
        bus.subscribe(Subscription(short, "router", recorder))
        return bus

    first, second = replica(), replica()
    async with running(first):
        await first.publish([WalkEnded(id="evt_1", account_id="acc_1", time=MOMENT, walker="ann")])
        await eventually(first._metrics.pending.labels(long.name, "router")._value.get, seconds=20)
        joining = asyncio.create_task(second.start())
        await first.publish([step(0, walker) for walker in WALKERS])
        await eventually(lambda: len({event.id for event in recorder.handled}) == len(WALKERS), seconds=10)
        is_joining = not joining.done()
        leave.set()
        await joining
        await second.stop()

    assert is_joining


async def test_what_was_not_handled_is_not_committed(kafka_url: str):
    """A bus that stops in the middle of retries commits what was settled before, and nothing behind it."""
    topic, recorder = replace(new_topic(), partitions=1), Recorder()

    def judge(events: Sequence[Event]) -> None:
        if any(isinstance(event, StepTaken) and event.step >= 3 for event in events):
            raise Tired("uphill")

    first = make_bus(kafka_url, topic, patience=Patience(0.01, 0.05, restart_seconds=60.0))
    first.subscribe(Subscription(topic, "router", Recorder(judge), max_records=3, max_attempts=100))
    async with running(first):
        await first.publish(steps(9))
        await eventually(lambda: first._metrics.retries.labels(topic.name, "router")._value.get() >= 3, seconds=20)
    second = make_bus(kafka_url, topic)
    second.subscribe(Subscription(topic, "router", recorder))
    async with running(second):
        await eventually(lambda: len(recorder.handled) == 6, seconds=20)

    assert numbers(recorder.handled) == [3, 4, 5, 6, 7, 8]


async def test_lag_and_pending(kafka_url: str):
    """Records in hand and records that wait behind them are counted for each topic and group."""
    topic, registry, leave = replace(new_topic(), partitions=1), CollectorRegistry(), asyncio.Event()

    async def hold(_: Sequence[Event]) -> None:
        await leave.wait()

    bus = make_bus(kafka_url, topic, registry=registry)
    bus.subscribe(Subscription(topic, "router", hold, max_records=2))
    labels = {"topic": topic.name, "group": "router"}

    async with running(bus):
        await bus.publish(steps(6))
        in_hand = await eventually(lambda: registry.get_sample_value("deskbus_bus_pending_records", labels), seconds=20)
        waiting = await eventually(lambda: registry.get_sample_value("deskbus_bus_lag_records", labels), seconds=20)
        leave.set()
        await eventually(lambda: registry.get_sample_value("deskbus_bus_lag_records", labels) == 0, seconds=20)

    assert 1 <= in_hand <= 2
    assert in_hand + waiting == 6


async def test_a_reader_that_gets_nothing(kafka_url: str):
    """A consumer that delivers nothing although records wait is started anew: no failure of its loop is final."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(kafka_url, topic)
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        [subscriber] = bus._members.subscribers.values()
        assert subscriber.consumer is not None
        subscriber.consumer.pause(*subscriber.consumer.assignment())
        await bus.publish(steps(3))
        await eventually(lambda: len(recorder.handled) == 3, seconds=60)

    assert numbers(recorder.handled) == [0, 1, 2]
