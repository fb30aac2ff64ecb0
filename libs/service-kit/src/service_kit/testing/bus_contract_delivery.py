"""What the bus port promises of delivery, as tests."""
# ruff: noqa: S101, PLR2004 - a contract speaks in asserts and in numbers

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from contracts.envelope import Event
from service_kit.bus import Subscription
from service_kit.testing.bus_harness import (
    MOMENT,
    WITHIN,
    BusHarness,
    Recorder,
    StepTaken,
    WalkEnded,
    count,
    new_topic,
    numbers,
    refuse,
    running,
    step,
    steps,
)
from service_kit.testing.eventually import eventually


class DeliveryContract:
    """What is published arrives: all of it, in order per key, at every group."""

    async def test_order_per_key(self, harness: BusHarness) -> None:
        """Events of one key reach the handler in the order they were published (I5)."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder, max_records=7))

        async with running(bus):
            for number in range(40):
                await bus.publish([step(number, "ann"), step(number, "bob")])
            await eventually(lambda: len(recorder.handled) >= 80, seconds=WITHIN)

        assert numbers(recorder.handled, "ann") == list(range(40))
        assert numbers(recorder.handled, "bob") == list(range(40))

    async def test_several_topics_in_one_call(self, harness: BusHarness) -> None:
        """One call publishes to several topics, each event to its own."""
        walks, ends = new_topic(StepTaken), new_topic(WalkEnded)
        walked, ended = Recorder(), Recorder()
        bus = harness.bus(walks, ends)
        bus.subscribe(Subscription(walks, "router", walked))
        bus.subscribe(Subscription(ends, "router", ended))
        end = WalkEnded(id="evt_end", account_id="acc_1", time=MOMENT, walker="ann")

        async with running(bus):
            await bus.publish([step(0), end, step(1)])
            await eventually(lambda: len(walked.handled) == 2 and len(ended.handled) == 1, seconds=WITHIN)

        assert numbers(walked.handled) == [0, 1]
        assert ended.handled == [end]

    async def test_every_group_gets_everything(self, harness: BusHarness) -> None:
        """Each group of a topic sees each event, whatever the others do."""
        topic, router, reporting = new_topic(), Recorder(refuse(1)), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", router))
        bus.subscribe(Subscription(topic, "reporting", reporting))

        async with running(bus):
            await bus.publish(steps(3))
            await eventually(lambda: len(router.handled) == 2 and len(reporting.handled) == 3, seconds=WITHIN)

        assert numbers(reporting.handled) == [0, 1, 2]

    async def test_new_group_begins_at_the_oldest(self, harness: BusHarness) -> None:
        """A group that is new reads what was published before it existed."""
        topic, recorder = new_topic(), Recorder()
        async with running(harness.bus(topic)) as publisher:
            await publisher.publish(steps(5))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "reporting", recorder))

        async with running(bus):
            await eventually(lambda: len(recorder.handled) == 5, seconds=WITHIN)

        assert numbers(recorder.handled) == [0, 1, 2, 3, 4]

    async def test_many_publishers_at_once(self, harness: BusHarness) -> None:
        """Two thousand concurrent publishes neither fail nor lose anything."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await asyncio.gather(*(bus.publish([one]) for one in steps(2000)))
            await eventually(lambda: len(recorder.handled) >= 2000, seconds=WITHIN)

        assert numbers(recorder.handled) == list(range(2000))

    async def test_overlapping_publishes(self, harness: BusHarness) -> None:
        """Calls that overlap are stored in the order in which they were made."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))
        events = [step(number, note="x" * 2000) for number in range(900)]

        async with running(bus):
            await asyncio.gather(*(bus.publish(events[start : start + 300]) for start in (0, 300, 600)))
            await eventually(lambda: recorder.has_handled(900), seconds=WITHIN)

        assert numbers(recorder.handled) == list(range(900))

    async def test_only_narrows(self, harness: BusHarness) -> None:
        """`only` hands over the named types; the others are passed by without a trace."""
        topic, recorder, registry = new_topic(StepTaken, WalkEnded), Recorder(), CollectorRegistry()
        bus = harness.bus(topic, registry=registry)
        bus.subscribe(Subscription(topic, "router", recorder, only=(WalkEnded,)))
        end = WalkEnded(id="evt_end", account_id="acc_1", time=MOMENT, walker="ann")

        async with running(bus):
            await bus.publish([step(0), end, step(1)])
            await eventually(lambda: len(recorder.handled) == 1, seconds=WITHIN)
            letters = await bus.dead_letters(topic, "router")

        assert recorder.handled == [end]
        assert letters == []
        assert count(registry, "unknown_types", topic=topic.name, group="router") == 0

    async def test_stop_consuming(self, harness: BusHarness) -> None:
        """After `stop_consuming` nothing is handled any more, and publishing still works."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await bus.publish([step(0)])
            await eventually(lambda: len(recorder.handled) == 1, seconds=WITHIN)
            await bus.stop_consuming()
            await bus.publish([step(1)])

        assert numbers(recorder.handled) == [0]

    async def test_handler_in_flight_finishes(self, harness: BusHarness) -> None:
        """Stopping waits for a handler in flight, and what it handled is committed."""
        topic, entered, leave = new_topic(), asyncio.Event(), asyncio.Event()
        finished: list[Event] = []

        async def slow(events: Sequence[Event]) -> None:
            entered.set()
            await leave.wait()
            finished.extend(events)

        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", slow))
        async with running(bus):
            await bus.publish([step(0)])
            await entered.wait()
            stopping = asyncio.create_task(bus.stop_consuming())
            leave.set()
            await stopping
        recorder = Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))
        async with running(bus):
            await bus.publish([step(1)])
            await eventually(lambda: recorder.handled, seconds=WITHIN)

        assert numbers(finished) == [0]
        assert numbers(recorder.handled) == [1]

    async def test_reader_that_may_rest(self, harness: BusHarness) -> None:
        """Whoever may rest after a batch takes what came meanwhile together and in order."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder, rest_seconds=2.0))
        async with running(bus):
            await bus.publish([step(0)])
            await eventually(lambda: recorder.handled, seconds=WITHIN)
            for number in range(1, 11):
                await bus.publish([step(number)])
            await eventually(lambda: recorder.has_handled(11), seconds=WITHIN)

        assert numbers(recorder.handled) == list(range(11))
        assert recorder.calls < 5
