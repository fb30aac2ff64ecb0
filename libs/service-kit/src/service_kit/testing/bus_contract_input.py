"""What a bus refuses and what it adds, as tests."""
# ruff: noqa: S101 - a contract speaks in asserts

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.codec import MAX_RECORD_BYTES, ForeignEvent, RecordTooLarge
from service_kit.testing.bus_harness import (
    WITHIN,
    BusHarness,
    Recorder,
    WalkEnded,
    new_topic,
    numbers,
    refuse,
    running,
    step,
)
from service_kit.testing.eventually import eventually


class InputContract:
    """What a bus refuses, and what it adds."""

    async def test_too_large(self, harness: BusHarness) -> None:
        """An event over the limit is refused for good, and nothing of its call is stored."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            with pytest.raises(RecordTooLarge):
                await bus.publish([step(0), step(1, note="x" * MAX_RECORD_BYTES)])
            await bus.publish([step(2, note="x" * (MAX_RECORD_BYTES - 2000))])
            await eventually(lambda: len(recorder.handled) >= 1, seconds=WITHIN)

        assert numbers(recorder.handled) == [2]

    async def test_foreign_event(self, harness: BusHarness) -> None:
        """An event of no declared topic is refused."""
        async with running(harness.bus(new_topic(WalkEnded))) as bus:
            with pytest.raises(ForeignEvent):
                await bus.publish([step(0)])

    async def test_subscriptions_are_checked(self, harness: BusHarness) -> None:
        """A subscription that could never work is refused where it is declared."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        with pytest.raises(ValueError, match="reads"):
            bus.subscribe(Subscription(topic, "router", recorder))
        with pytest.raises(ValueError, match="not among"):
            bus.subscribe(Subscription(new_topic(), "router", recorder))
        with pytest.raises(ValueError, match="does not hold WalkEnded"):
            bus.subscribe(Subscription(topic, "reporting", recorder, only=(WalkEnded,)))
        async with running(bus):
            with pytest.raises(RuntimeError, match="before"):
                bus.subscribe(Subscription(topic, "reporting", recorder))

    async def test_not_started(self, harness: BusHarness) -> None:
        """A bus that is not started takes nothing."""
        bus = harness.bus(new_topic())

        with pytest.raises(BusUnavailable):
            await bus.publish([step(0)])
        with pytest.raises(BusUnavailable):
            await bus.ping()
        await bus.stop()

    async def test_trace_context_travels(self, harness: BusHarness) -> None:
        """The publisher's trace context rides in the record's headers."""
        topic, recorder = new_topic(), Recorder(refuse(0))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))
        span = NonRecordingSpan(SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(1)))

        async with running(bus):
            token = context.attach(trace.set_span_in_context(span))
            await bus.publish([step(0)])
            context.detach(token)
            await bus.publish([step(1)])
            await eventually(lambda: len(recorder.handled) == 1, seconds=WITHIN)
            letters = await bus.dead_letters(topic, "router")

        assert letters[0].headers["traceparent"] == f"00-{0xA1:032x}-{0xB2:016x}-01"
