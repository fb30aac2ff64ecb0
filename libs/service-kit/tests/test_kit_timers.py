import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from service_kit.clock import SystemClock
from service_kit.docstore import Collection, CollectionSpec, DocStore, Fate, Index
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.errors import TransientError
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.timers import Due, Timed, Timers, with_due, without_due

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Task(Timed):
    """A document that waits for something."""


TASKS = CollectionSpec("tasks", Task, indexes=(Index(("due_at",)),))


class Firing:
    """What fired; raises what a test puts into `failures` instead of settling the due."""

    def __init__(self, tasks: Collection[Task]) -> None:
        self.fired: list[tuple[str, str]] = []
        self.failures: list[Exception] = []
        self._tasks = tasks

    async def __call__(self, task: Task, due: Due) -> None:
        """Settle the due as a service does: write the document without it, or accept that somebody else did."""
        if self.failures:
            raise self.failures.pop()
        if await self._tasks.replace_many([without_due(task, due.kind)]) == [Fate.DONE]:
            self.fired.append((task.id, due.kind))


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DocStore]:
    """A real store with the collection under test."""
    store = SqliteDocStore(tmp_path / "tasks.sqlite")
    store.collection(TASKS)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
def tasks(store: DocStore) -> Collection[Task]:
    """The collection under test."""
    return store.collection(TASKS)


@pytest.fixture
def clock() -> ManualClock:
    """Noon, until a test moves it."""
    return ManualClock(NOON)


@pytest.fixture
def firing(tasks: Collection[Task]) -> Firing:
    """What the timers call."""
    return Firing(tasks)


@pytest.fixture
def timers(tasks: Collection[Task], clock: ManualClock, firing: Firing) -> Timers[Task]:
    """The timers under test."""
    return Timers(tasks, clock, firing, lease_seconds=30)


kinds = st.sampled_from(["wake", "follow_up", "close"])
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001 - hypothesis takes naive bounds


@given(st.lists(st.tuples(kinds, st.none() | moments)))
def test_due_times_of_a_document(changes: list[tuple[str, datetime | None]]):
    """Each kind is due once, at the moment last given; `due_at` is the earliest of all."""
    task, expected = Task(id="a"), dict[str, datetime]()
    for kind, at in changes:
        task = without_due(task, kind) if at is None else with_due(task, kind, at)
        expected = {one: when for one, when in expected.items() if one != kind} | ({kind: at} if at else {})

    assert {due.kind: due.at for due in task.due} == expected
    assert len(task.due) == len(expected)
    assert task.due_at == min(expected.values(), default=None)


async def test_fires_when_due_and_not_before(
    timers: Timers[Task], tasks: Collection[Task], clock: ManualClock, firing: Firing
):
    """A timer fires once from its moment on."""
    await tasks.insert_many([with_due(Task(id="a"), "wake", NOON + SECOND)])
    early = await timers.run_due()
    clock.advance(SECOND)
    in_time = await timers.run_due()
    clock.advance(timedelta(days=1))
    again = await timers.run_due()

    assert (early, in_time, again) == (0, 1, 0)
    assert firing.fired == [("a", "wake")]


async def test_late_timers_fire_late(timers: Timers[Task], tasks: Collection[Task], clock: ManualClock, firing: Firing):
    """After a month of downtime everything that came due meanwhile fires at once (L2)."""
    await tasks.insert_many([with_due(Task(id=f"t{number}"), "wake", NOON + number * SECOND) for number in range(250)])
    clock.advance(timedelta(days=30))
    fired = await timers.run_due()

    assert fired == 250
    assert set(Counter(task_id for task_id, _ in firing.fired).values()) == {1}


async def test_several_dues_of_one_document_all_fire(
    timers: Timers[Task], tasks: Collection[Task], clock: ManualClock, firing: Firing
):
    """Each due of a document fires, the earlier first."""
    task = with_due(with_due(with_due(Task(id="a"), "close", NOON + SECOND), "wake", NOON), "later", NOON + 9 * SECOND)
    await tasks.insert_many([task])
    clock.advance(SECOND)
    await timers.run_due()
    await timers.run_due()

    assert firing.fired == [("a", "wake"), ("a", "close")]


async def test_two_replicas_claim_once(tmp_path: Path, clock: ManualClock):
    """Of two replicas that look at the same moment exactly one fires each timer."""
    stores = [SqliteDocStore(tmp_path / "tasks.sqlite") for _ in range(2)]
    collections = [store.collection(TASKS) for store in stores]
    for store in stores:
        await store.start()
    await collections[0].insert_many([with_due(Task(id=f"t{number}"), "wake", NOON) for number in range(60)])
    claimed: list[str] = []

    async def fire(task: Task, _due: Due) -> None:
        claimed.append(task.id)  # and never settled: only the claim keeps the other replica away

    counts = await asyncio.gather(*(Timers(tasks, clock, fire).run_due() for tasks in collections))
    for store in stores:
        await store.stop()

    assert sum(counts) == 60
    assert set(Counter(claimed).values()) == {1}


async def test_clocks_that_disagree(tmp_path: Path):
    """With clocks an hour apart a timer may be begun by either replica, also by both, and takes effect once."""
    stores = [SqliteDocStore(tmp_path / "tasks.sqlite") for _ in range(2)]
    collections = [store.collection(TASKS) for store in stores]
    for store in stores:
        await store.start()
    await collections[0].insert_many([with_due(Task(id=f"t{number}"), "wake", NOON) for number in range(60)])
    effects = [Firing(tasks) for tasks in collections]
    clocks = (ManualClock(NOON), ManualClock(NOON + 3600 * SECOND))

    for _ in range(2):
        await asyncio.gather(
            *(
                Timers(tasks, clock, fire).run_due()
                for tasks, clock, fire in zip(collections, clocks, effects, strict=True)
            )
        )
    for store in stores:
        await store.stop()

    fired = [task for effect in effects for task, _ in effect.fired]
    assert sorted(fired) == sorted(f"t{number}" for number in range(60))


async def test_a_crash_while_firing_costs_the_lease(
    timers: Timers[Task], tasks: Collection[Task], clock: ManualClock, firing: Firing
):
    """A timer whose replica died after the claim is fired by another one when the lease has run out."""
    begun = asyncio.Event()

    async def hang(_task: Task, _due: Due) -> None:
        begun.set()
        await asyncio.Event().wait()

    await tasks.insert_many([with_due(Task(id="a"), "wake", NOON)])
    dying = asyncio.create_task(Timers(tasks, clock, hang, lease_seconds=30).run_due())
    await begun.wait()
    dying.cancel()
    clock.advance(29 * SECOND)
    within_lease = await timers.run_due()
    clock.advance(SECOND)
    after_lease = await timers.run_due()

    assert (within_lease, after_lease) == (0, 1)
    assert firing.fired == [("a", "wake")]


@pytest.mark.parametrize(("failure", "waits"), [(ValueError("a mistake"), 30), (TransientError("contended"), 1)])
async def test_a_failed_timer_fires_again(
    timers: Timers[Task],
    tasks: Collection[Task],
    clock: ManualClock,
    firing: Firing,
    failure: Exception,
    waits: int,
):
    """A passing failure costs a second, any other the lease; none of them the timer, nor the others due."""
    await tasks.insert_many([with_due(Task(id="a"), "wake", NOON), with_due(Task(id="b"), "wake", NOON)])
    firing.failures = [failure]
    first = await timers.run_due()
    clock.advance(waits * SECOND - timedelta(milliseconds=1))
    too_early = await timers.run_due()
    clock.advance(timedelta(milliseconds=1))
    second = await timers.run_due()

    assert (first, too_early, second) == (1, 0, 1)
    assert sorted(firing.fired) == [("a", "wake"), ("b", "wake")]


async def test_a_timer_moved_while_claimed_keeps_its_new_time(
    tasks: Collection[Task], clock: ManualClock, firing: Firing
):
    """Somebody who gives the document another time during the claim is not overruled by the claim's release."""

    async def fire(task: Task, _due: Due) -> None:
        await tasks.replace_many([with_due(task, "wake", NOON + timedelta(hours=1))])
        raise TransientError("contended")

    await tasks.insert_many([with_due(Task(id="a"), "wake", NOON)])
    await Timers(tasks, clock, fire).run_due()
    moved = await tasks.get("a")

    assert moved is not None
    assert moved.due_at == NOON + timedelta(hours=1)


async def test_one_that_hangs_holds_up_none_that_comes_later(
    tasks: Collection[Task], clock: ManualClock, firing: Firing
):
    """While one fires for ever, as into a peer that does not answer, others fire in time; stopping waits for it."""
    let_go = asyncio.Event()

    async def fire(task: Task, due: Due) -> None:
        if task.id == "slow":
            await let_go.wait()
        await firing(task, due)

    await tasks.insert_many([with_due(Task(id="slow"), "wake", NOON)])
    worker = Timers(tasks, clock, fire, interval_seconds=0.01).worker()
    await worker.start()
    for number in range(100):
        await tasks.insert_many([with_due(Task(id=f"t{number}"), "wake", NOON)])
    await eventually(lambda: len(firing.fired) == 100)
    stopping = asyncio.create_task(worker.stop())
    let_go.set()
    await stopping

    assert firing.fired[-1] == ("slow", "wake")
    assert len(firing.fired) == 101


async def test_looks_again_when_something_is_due(tasks: Collection[Task], firing: Firing):
    """What is due before the next regular look is fired when it is due, however seldom there is one (L2)."""
    clock = SystemClock()
    begun = clock.now()
    await tasks.insert_many([with_due(Task(id="a"), "wake", begun + timedelta(seconds=0.2))])
    worker = Timers(tasks, clock, firing, interval_seconds=60).worker()
    await worker.start()
    await eventually(lambda: firing.fired == [("a", "wake")])
    await worker.stop()

    assert clock.now() - begun >= timedelta(seconds=0.2)


async def test_runs_as_a_worker(tasks: Collection[Task], clock: ManualClock, firing: Firing):
    """Started as a part of a service it looks by itself."""
    await tasks.insert_many([with_due(Task(id="a"), "wake", NOON)])
    worker = Timers(tasks, clock, firing, interval_seconds=0.01).worker()
    await worker.start()
    await eventually(lambda: firing.fired == [("a", "wake")])
    await worker.stop()
