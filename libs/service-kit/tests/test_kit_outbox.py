import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from contracts.envelope import Event
from contracts.presence import AgentAvailabilityChanged
from service_kit.bus import BusUnavailable, RecordTooLarge
from service_kit.docstore import Collection, CollectionSpec, DocStore, Fate, Index
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.outbox import (
    MAX_EVENT_BYTES,
    OUTBOX_LIMIT,
    Outbox,
    OutboxContended,
    Outboxed,
    OutboxEntry,
    OutboxFull,
    with_events,
)
from service_kit.testing.manual_clock import ManualClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = timedelta(seconds=3)


class Thing(Outboxed):
    """A document that says something with each change."""

    said: int = 0


THINGS = CollectionSpec("things", Thing, indexes=(Index(("outbox_since",)),))


class RecordingBus:
    """Takes events one after the other, as an engine does; raises what a test puts into `failures`."""

    def __init__(self) -> None:
        self.calls: list[list[Event]] = []
        self.stored: list[Event] = []
        self.failures: list[Exception] = []

    async def publish(self, events: Sequence[Event]) -> None:
        """Store them, or some of them."""
        self.calls.append(list(events))
        for event in events:
            await asyncio.sleep(0)
            if self.failures:
                raise self.failures.pop()
            self.stored.append(event)


def event(thing_id: str, number: int) -> AgentAvailabilityChanged:
    """The `number`-th event of a thing."""
    return AgentAvailabilityChanged(
        id=f"{thing_id}-{number}",
        account_id="acc_1",
        time=NOON,
        agent_id=thing_id,
        online=True,
        cause="agent",
    )


def spoken(thing: Thing, how_often: int, now: datetime = NOON) -> Thing:
    """The thing after saying its next `how_often` events."""
    events = [event(thing.id, thing.said + number) for number in range(1, how_often + 1)]
    return with_events(thing, events, now).model_copy(update={"said": thing.said + how_often})


def ids(events: Sequence[Event]) -> list[str]:
    """The ids, in order."""
    return [one.id for one in events]


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DocStore]:
    """A real store with the collection under test."""
    store = SqliteDocStore(tmp_path / "things.sqlite")
    store.collection(THINGS)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
def things(store: DocStore) -> Collection[Thing]:
    """The collection under test."""
    return store.collection(THINGS)


@pytest.fixture
def bus() -> RecordingBus:
    """Where events go."""
    return RecordingBus()


@pytest.fixture
def clock() -> ManualClock:
    """Noon, until a test moves it."""
    return ManualClock(NOON)


@pytest.fixture
def outbox(things: Collection[Thing], bus: RecordingBus, clock: ManualClock) -> Outbox[Thing]:
    """The outbox under test."""
    return Outbox(things, bus, clock)


async def inserted(things: Collection[Thing], *documents: Thing) -> list[Thing]:
    """The documents as they are stored."""
    assert set(await things.insert_many(documents)) == {Fate.DONE}
    stored = await things.get_many([document.id for document in documents])
    return [stored[document.id] for document in documents]


def test_events_are_appended_and_the_oldest_time_is_kept():
    """`outbox_since` says how long the oldest event has been waiting."""
    once = spoken(Thing(id="a"), 1, NOON)
    twice = spoken(once, 2, NOON + LATER)

    assert [entry.event_id for entry in twice.outbox] == ["a-1", "a-2", "a-3"]
    assert twice.outbox_since == NOON
    assert with_events(twice, [], NOON) is twice


def test_an_outbox_is_capped():
    """Beyond the cap the change waits until events have left, rather than the document growing without end."""
    full = spoken(Thing(id="a"), OUTBOX_LIMIT)

    with pytest.raises(OutboxFull):
        spoken(full, 1)


async def test_publishes_everything_in_order_in_one_call(
    outbox: Outbox[Thing], things: Collection[Thing], bus: RecordingBus
):
    """All documents go in one call, each with its whole stored prefix in order, and are emptied."""
    given = await inserted(things, spoken(Thing(id="a"), 3), Thing(id="b"), spoken(Thing(id="c"), 2))
    returned = await outbox.publish(given)

    assert [ids(call) for call in bus.calls] == [["a-1", "a-2", "a-3", "c-1", "c-2"]]
    assert [one.id for one in returned] == ["a", "b", "c"]
    assert list(returned) == [await things.get(one.id) for one in returned]
    assert all(one.outbox == () and one.outbox_since is None for one in returned)


async def test_an_event_comes_back_as_it_was(outbox: Outbox[Thing], things: Collection[Thing], bus: RecordingBus):
    """What consumers get is equal to what was said, through the store and back."""
    await outbox.publish(await inserted(things, spoken(Thing(id="a"), 1)))

    assert bus.stored == [event("a", 1)]


async def test_nothing_to_say_costs_nothing(outbox: Outbox[Thing], things: Collection[Thing], bus: RecordingBus):
    """Documents without events are neither published nor written."""
    given = await inserted(things, Thing(id="a"))

    assert await outbox.publish(given) is given
    assert bus.calls == []


async def test_events_that_came_meanwhile_stay(things: Collection[Thing], clock: ManualClock):
    """Only what was published is removed; an event added during the publish waits for its own writer."""

    class InterruptedBus(RecordingBus):
        async def publish(self, events: Sequence[Event]) -> None:
            await super().publish(events)
            current = await things.get("a")
            assert current is not None
            clock.advance(LATER)
            assert await things.replace_many([spoken(current, 1)]) == [Fate.DONE]

    outbox = Outbox(things, InterruptedBus(), clock)
    [returned] = await outbox.publish(await inserted(things, spoken(Thing(id="a"), 2)))

    assert [entry.event_id for entry in returned.outbox] == ["a-3"]
    assert returned.said == 3
    assert returned.outbox_since == NOON + LATER
    assert returned == await things.get("a")


async def test_a_document_that_was_deleted_meanwhile_is_no_error(things: Collection[Thing], clock: ManualClock):
    """The events of a purged document were said all the same."""

    class DeletingBus(RecordingBus):
        async def publish(self, events: Sequence[Event]) -> None:
            await super().publish(events)
            current = await things.get("a")
            assert current is not None
            await things.delete_many([current])

    bus = DeletingBus()
    given = await inserted(things, spoken(Thing(id="a"), 1), spoken(Thing(id="b"), 1))
    returned = await Outbox(things, bus, clock).publish(given)

    assert [one.id for one in returned] == ["a", "b"]
    assert ids(bus.stored) == ["a-1", "b-1"]


async def test_a_document_that_never_rests_is_given_up(
    things: Collection[Thing], bus: RecordingBus, clock: ManualClock
):
    """Contention without end becomes a transient error; the events stay and are published again."""

    class RestlessThings:
        """The collection, with a rival who always writes first."""

        async def get_many(self, wanted: Sequence[str]) -> Mapping[str, Thing]:
            return await things.get_many(wanted)

        async def replace_many(self, documents: Sequence[Thing]) -> Sequence[Fate]:
            await things.replace_many(list((await things.get_many([one.id for one in documents])).values()))
            return await things.replace_many(documents)

    given = await inserted(things, spoken(Thing(id="a"), 1))
    outbox: Outbox[Thing] = Outbox(RestlessThings(), bus, clock)  # type: ignore[arg-type] # only what publish uses

    with pytest.raises(OutboxContended):
        await outbox.publish(given)
    left = await things.get("a")
    assert left is not None
    assert len(left.outbox) == 1


async def test_the_bus_being_down_loses_nothing(
    outbox: Outbox[Thing], things: Collection[Thing], bus: RecordingBus, clock: ManualClock
):
    """The caller learns of it, the events stay, and the relay publishes them once they are two seconds old."""
    [given] = await inserted(things, spoken(Thing(id="a"), 2))
    bus.failures = [BusUnavailable("down")]
    with pytest.raises(BusUnavailable):
        await outbox.publish([given])
    unchanged = await things.get("a")
    too_early = await outbox.relay()
    clock.advance(LATER)
    relayed = await outbox.relay()

    assert unchanged == given
    assert (too_early, relayed) == (0, 1)
    assert ids(bus.stored) == ["a-1", "a-2"]


async def test_the_relay_lets_a_bus_failure_through(
    outbox: Outbox[Thing], things: Collection[Thing], bus: RecordingBus, clock: ManualClock
):
    """A bus that is down is not tried document by document; the worker comes back later."""
    await inserted(things, *(spoken(Thing(id=f"t{number}"), 1) for number in range(3)))
    clock.advance(LATER)
    bus.failures = [BusUnavailable("down")]

    with pytest.raises(BusUnavailable):
        await outbox.relay()
    assert len(bus.calls) == 1


async def test_the_relay_goes_oldest_first_through_all_pages(
    outbox: Outbox[Thing], things: Collection[Thing], bus: RecordingBus, clock: ManualClock
):
    """However many documents a crash left, all are published, the oldest first, each in order."""
    documents = [spoken(Thing(id=f"t{number}"), 2, NOON + timedelta(seconds=number)) for number in range(250)]
    await inserted(things, *reversed(documents))
    clock.advance(timedelta(hours=1))
    relayed = await outbox.relay()

    assert relayed == 250
    assert ids(bus.stored) == [f"t{number}-{seq}" for number in range(250) for seq in (1, 2)]
    assert await outbox.relay() == 0


@pytest.mark.parametrize(
    "unreadable",
    [
        OutboxEntry(type="support.gone.v9", body={"id": "b-1"}),
        OutboxEntry(type="support.agent.availability_changed.v1", body={"id": "b-1"}),
    ],
    ids=["unknown type", "unfit body"],
)
async def test_one_unreadable_document_does_not_hold_up_the_others(
    outbox: Outbox[Thing],
    things: Collection[Thing],
    bus: RecordingBus,
    clock: ManualClock,
    unreadable: OutboxEntry,
):
    """An event that this version cannot read stays and is reported once; its neighbours are published."""
    bad = Thing(id="b", outbox=(unreadable,), outbox_since=NOON)
    await inserted(things, spoken(Thing(id="a"), 1), bad, spoken(Thing(id="c"), 1))
    clock.advance(LATER)
    with capture_logs() as first_round:
        relayed = await outbox.relay()
    with capture_logs() as second_round:
        await outbox.relay()

    assert relayed == 2
    assert ids(bus.stored) == ["a-1", "c-1"]
    assert [(line["event"], line["document_id"]) for line in first_round] == [("outbox_stuck", "b")]
    assert second_round == []


async def test_load_fills_in_what_was_left_out(things: Collection[Thing], bus: RecordingBus, clock: ManualClock):
    """Stored entries may leave bodies out; `load` completes them just before they are published."""

    async def load(events: Sequence[Event]) -> Sequence[Event]:
        return [one.model_copy(update={"online": False}) for one in events]

    outbox = Outbox(things, bus, clock, load=load)
    await outbox.publish(await inserted(things, spoken(Thing(id="a"), 1)))

    assert bus.stored == [event("a", 1).model_copy(update={"online": False})]


async def test_tells_how_long_the_oldest_event_waits(things: Collection[Thing], bus: RecordingBus, clock: ManualClock):
    """A gauge for operators: it grows while the bus is away, and is zero when everything has left."""
    registry = CollectorRegistry()
    outbox = Outbox(things, bus, clock, name="things")
    outbox.worker(registry)

    async def age() -> float | None:
        with suppress(BusUnavailable):
            await outbox.relay()
        return registry.get_sample_value("deskbus_outbox_oldest_seconds", {"outbox": "things"})

    empty = await age()
    await inserted(things, spoken(Thing(id="a"), 1), spoken(Thing(id="b"), 1, NOON + timedelta(seconds=5)))
    clock.advance(timedelta(seconds=9))
    bus.failures.append(BusUnavailable("away"))
    waiting = await age()
    found, left = await age(), await age()

    assert (empty, waiting, found, left) == (0, 9, 9, 0)


@pytest.mark.parametrize("seed", range(8))
async def test_consumers_see_no_gap_whoever_publishes(
    things: Collection[Thing], bus: RecordingBus, clock: ManualClock, seed: int
):
    """Rivals that write, fail and relay at the same time: a consumer that drops what it saw misses nothing (E1)."""
    chance = random.Random(seed)  # noqa: S311 - repeats with the seed
    outbox = Outbox(things, bus, clock)
    await inserted(things, Thing(id="a"))

    async def speak() -> None:
        for _ in range(5):
            fate = None
            while fate is not Fate.DONE:
                wanted = spoken(await current(), 1)
                [fate] = await things.replace_many([wanted])
            if chance.random() < 0.3:
                bus.failures.append(BusUnavailable("down"))
            try:
                await outbox.publish([wanted.model_copy(update={"rev": wanted.rev + 1})])
            except BusUnavailable:
                await asyncio.sleep(0)

    async def current() -> Thing:
        thing = await things.get("a")
        assert thing is not None
        return thing

    await asyncio.gather(*(speak() for _ in range(4)))
    bus.failures.clear()
    clock.advance(LATER)
    await outbox.relay()
    seen = 0
    for number in (int(one.id.removeprefix("a-")) for one in bus.stored):
        assert number <= seen + 1
        seen = max(seen, number)

    assert seen == 20
    assert (await current()).outbox == ()


async def test_an_event_that_no_bus_takes_is_never_stored() -> None:
    """It would hold everything said behind it for ever; whoever makes it is refused while nothing has changed."""
    small = Thing(id="thing")
    size = len(event("thing", 1).payload())
    fitting = event("thing", 1).model_copy(update={"agent_id": "x" * (MAX_EVENT_BYTES - size)})

    assert with_events(small, [fitting], NOON).outbox
    with pytest.raises(RecordTooLarge):
        with_events(small, [fitting.model_copy(update={"agent_id": "x" * MAX_EVENT_BYTES})], NOON)
