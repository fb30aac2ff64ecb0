"""What the bus port promises of failing handlers and unreadable records, as tests."""
# ruff: noqa: S101, PLR2004 - a contract speaks in asserts and in numbers

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from contracts.envelope import Event
from service_kit.bus import Subscription
from service_kit.bus.record import Record
from service_kit.testing.bus_harness import (
    WITHIN,
    BusHarness,
    Recorder,
    Tired,
    count,
    new_topic,
    numbers,
    refuse,
    running,
    step,
    steps,
    until_unwell,
    until_well,
)
from service_kit.testing.eventually import eventually


class FailureContract:
    """What fails is retried, set aside or held back, and never lost."""

    async def test_transient_failure_is_retried_in_place(self, harness: BusHarness) -> None:
        """A passing failure is tried again in place; nothing overtakes and nothing is dead-lettered."""
        topic, registry, failures = new_topic(), CollectorRegistry(), iter([Tired("uphill"), Tired("uphill")])

        def judge(_: Sequence[Event]) -> None:
            if (failure := next(failures, None)) is not None:
                raise failure

        recorder = Recorder(judge)
        bus = harness.bus(topic, registry=registry)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await bus.publish(steps(4))
            await eventually(lambda: len(recorder.handled) == 4, seconds=WITHIN)
            letters = await bus.dead_letters(topic, "router")

        assert numbers(recorder.handled) == [0, 1, 2, 3]
        assert letters == []
        assert count(registry, "retries", topic=topic.name, group="router") == 2

    async def test_exhausted_retries_halt_and_recover(self, harness: BusHarness) -> None:
        """When retries are exhausted the subscription is unhealthy and uncommitted; later it starts over."""
        topic, is_tired = new_topic(), [True]

        def judge(_: Sequence[Event]) -> None:
            if is_tired[0]:
                raise Tired("uphill")

        recorder = Recorder(judge)
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder, max_attempts=2))

        async with running(bus):
            await bus.publish(steps(3))
            complaint = await until_unwell(bus)
            is_tired[0] = False
            await eventually(lambda: len(recorder.handled) == 3, seconds=WITHIN)
            await until_well(bus)

        assert topic.name in complaint
        assert "Tired after 2 attempts" in complaint
        assert numbers(recorder.handled) == [0, 1, 2]

    async def test_culprits_are_dead_lettered_alone(self, harness: BusHarness) -> None:
        """A permanent failure costs exactly its own record; it lies in the dead letters with reasons."""
        topic, recorder = new_topic(), Recorder(refuse(3, 7))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await bus.publish(steps(10))
            await eventually(lambda: len(recorder.handled) == 8, seconds=WITHIN)
            letters = await bus.dead_letters(topic, "router")

        assert numbers(recorder.handled) == [0, 1, 2, 4, 5, 6, 8, 9]
        assert [letter.value for letter in letters] == [step(3).payload(), step(7).payload()]
        assert {letter.key for letter in letters} == {"acc_1/ann"}
        headers = letters[0].headers
        assert headers.items() >= step(3).headers("tickets").items()
        assert headers["dlq_reason"] == "stumbled"
        assert headers["dlq_error"] == "Stumbled"
        assert headers["dlq_topic"] == topic.name
        assert headers["dlq_group"] == "router"
        assert headers["dlq_attempts"] == "1"
        assert headers["dlq_position"]
        assert "stone" not in str(headers)

    async def test_limit_of_dead_letters(self, harness: BusHarness) -> None:
        """Too many dead letters in a row stop the subscription: bad code must not drain a topic."""
        topic, recorder = new_topic(), Recorder(refuse(*range(100)))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder, dead_letter_limit=3))

        async with running(bus):
            await bus.publish(steps(6))
            complaint = await until_unwell(bus)
            recorder.judge = refuse()
            await until_well(bus)
            letters = await bus.dead_letters(topic, "router")

        assert "3 dead letters in a row" in complaint
        assert len(letters) == 3
        assert numbers(recorder.handled) == [3, 4, 5]

    async def test_malformed_record(self, harness: BusHarness) -> None:
        """What cannot be decoded is dead-lettered at once with its reason, bytes unchanged, and the rest flows."""
        topic, recorder = new_topic(), Recorder()
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))
        broken = Record("acc_1/ann", b'{"step": "\xff', {"ce_type": "support.step.taken.v1", "mark": "1"})
        bodiless = Record("acc_1/ann", b"not json at all")

        async with running(bus):
            await bus.publish([step(0)])
            await harness.append(topic, broken)
            await harness.append(topic, bodiless)
            await bus.publish([step(1)])
            await eventually(lambda: len(recorder.handled) == 2, seconds=WITHIN)
            letters = await bus.dead_letters(topic, "router")

        assert numbers(recorder.handled) == [0, 1]
        assert [letter.value for letter in letters] == [broken.value, bodiless.value]
        assert [letter.headers["dlq_reason"] for letter in letters] == ["invalid", "not_json"]
        assert letters[0].headers["dlq_error"] == "ValidationError"
        assert letters[0].headers["mark"] == "1"

    async def test_unknown_type(self, harness: BusHarness) -> None:
        """A type that this release does not know is counted and ignored: a new producer poisons nobody."""
        topic, recorder, registry = new_topic(), Recorder(), CollectorRegistry()
        bus = harness.bus(topic, registry=registry)
        bus.subscribe(Subscription(topic, "router", recorder))
        foreign = Record("acc_1/ann", b"{}", {"ce_type": "support.step.undone.v9"})

        async with running(bus):
            await harness.append(topic, foreign)
            await bus.publish([step(0)])
            await eventually(lambda: len(recorder.handled) == 1, seconds=WITHIN)
            letters = await bus.dead_letters(topic, "router")

        assert letters == []
        assert count(registry, "unknown_types", topic=topic.name, group="router") == 1

    async def test_replay(self, harness: BusHarness) -> None:
        """Dead letters go back to their topic in order, as their producer wrote them, and are then gone (I6)."""
        topic, recorder = new_topic(), Recorder(refuse(1, 2))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await bus.publish(steps(4))
            await eventually(lambda: len(recorder.handled) == 2, seconds=WITHIN)
            first = await bus.dead_letters(topic, "router", limit=1)
            recorder.judge = refuse(2)
            replayed = await bus.replay(topic, "router")
            await eventually(lambda: len(recorder.handled) == 3, seconds=WITHIN)
            left = await eventually(lambda: bus.dead_letters(topic, "router"), seconds=WITHIN)

        assert replayed == 2
        assert [letter.value for letter in first] == [step(1).payload()]
        assert numbers(recorder.handled) == [0, 3, 1]
        assert [letter.value for letter in left] == [step(2).payload()]

    async def test_chosen_letters_are_put_back(self, harness: BusHarness) -> None:
        """Any of the dead letters can be handled again; lists go on behind the letter they ended with (I6)."""
        topic, recorder = new_topic(), Recorder(refuse(0, 1, 2))
        bus = harness.bus(topic)
        bus.subscribe(Subscription(topic, "router", recorder))

        async with running(bus):
            await bus.publish(steps(4))
            await eventually(lambda: len(recorder.handled) == 1, seconds=WITHIN)
            first = await bus.dead_letters(topic, "router", limit=1)
            rest = await bus.dead_letters(topic, "router", after=first[0].id)
            recorder.judge = refuse(0, 2)
            await bus.put_back(topic, [rest[0]])
            await eventually(lambda: len(recorder.handled) == 2, seconds=WITHIN)
            none = await bus.dead_letters(topic, "router", after=rest[-1].id)

        assert [letter.value for letter in (*first, *rest)] == [step(number).payload() for number in (0, 1, 2)]
        assert recorder.handled == [step(3), step(1)]
        assert list(none) == []

    async def test_shortcomings(self, harness: BusHarness) -> None:
        """What `provision` makes is told to be missing until it is there."""
        topic = new_topic()
        bus = harness.bus(topic)
        before = await bus.shortcomings()
        await bus.provision()
        after = await bus.shortcomings()
        await bus.stop()

        assert [clause for clause in before if topic.name in clause]
        assert list(after) == []
