"""What the bus port promises of engines that die, as tests."""
# ruff: noqa: S101, PLR2004 - a contract speaks in asserts and in numbers

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from contracts.envelope import Event
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.patience import Patience
from service_kit.testing.bus_harness import (
    WITHIN,
    BusHarness,
    Recorder,
    Tired,
    new_topic,
    numbers,
    publish_stubbornly,
    refuse,
    running,
    step,
    steps,
    until_unwell,
    until_well,
)
from service_kit.testing.eventually import eventually


class OutageContract:
    """Engines die. Nothing confirmed is lost, and nobody waits for minutes."""

    async def test_uncommitted_batch_is_delivered_again(self, harness: BusHarness) -> None:
        """What was handed over but never committed is handed over again after a restart, before anything new."""
        topic, recorder = new_topic(), Recorder()

        def judge(_: Sequence[Event]) -> None:
            raise Tired("uphill")

        bus = harness.bus(topic, patience=Patience(0.01, 0.05, restart_seconds=60.0))
        bus.subscribe(Subscription(topic, "router", Recorder(judge), max_attempts=1, max_records=2))
        async with running(bus):
            await bus.publish(steps(5))
            await until_unwell(bus)
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await eventually(lambda: len(recorder.handled) >= 5, seconds=WITHIN)

        assert numbers(recorder.handled) == [0, 1, 2, 3, 4]

    async def test_publish_while_the_engine_is_down(self, harness: BusHarness) -> None:
        """Without an engine, publishing and the health check fail within seconds; later all is well again (I3)."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await bus.publish([step(0)])
            await harness.take_down()
            async with asyncio.timeout(8):
                with pytest.raises(BusUnavailable):
                    await bus.publish([step(1)])
                with pytest.raises(BusUnavailable):
                    await bus.ping()
            await harness.bring_up()
            await until_well(bus)
            await bus.publish([step(2)])
            await eventually(lambda: {0, 2} <= set(numbers(recorder.handled)), seconds=WITHIN)

        assert numbers(recorder.handled) in ([0, 2], [0, 1, 2])

    async def test_start_without_an_engine(self, harness: BusHarness) -> None:
        """A bus that finds no engine says so and does not start."""
        bus = harness.bus(new_topic())
        await harness.take_down()

        try:
            with pytest.raises(BusUnavailable):
                await bus.start()
        finally:
            await bus.stop()
            await harness.bring_up()

    @pytest.mark.faults
    async def test_engine_killed_in_mid_stream(self, harness: BusHarness) -> None:
        """Killed among 2,000 records of 20 keys and 2 poison ones: none lost, order per key kept, both set aside."""
        topic, walkers = new_topic(), [f"walker{number}" for number in range(20)]
        recorder = Recorder(refuse(1_000_001, 1_000_002))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))
        events = [step(number, walker) for number in range(100) for walker in walkers]
        events[700:700] = [step(1_000_001, "stone")]
        events[1400:1400] = [step(1_000_002, "stone")]

        async with running(bus):
            for start in range(0, len(events), 50):
                if start in {500, 1300}:
                    await eventually(partial(recorder.has_handled, start // 2), seconds=WITHIN)
                    await harness.kill()
                await publish_stubbornly(bus, events[start : start + 50], seconds=harness.comes_back_seconds)
            await eventually(
                lambda: len({event.id for event in recorder.handled}) == 2000, seconds=harness.comes_back_seconds
            )
            letters = await bus.dead_letters(topic, "router")

        assert all(numbers(recorder.handled, walker) == list(range(100)) for walker in walkers)
        assert {letter.headers["ce_id"] for letter in letters} == {"evt_stone_1000001", "evt_stone_1000002"}
