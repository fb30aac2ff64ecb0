from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from prometheus_client import CollectorRegistry

from service_kit.docstore import Collection, CollectionSpec, Index
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.errors import TransientError
from service_kit.testing.manual_clock import ManualClock
from service_kit.timer_lateness import TimerLateness
from service_kit.timers import Due, Timed, Timers, with_due, without_due

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Task(Timed):
    """A document that waits for something."""


TASKS = CollectionSpec("tasks", Task, indexes=(Index(("due_at",)),))


@pytest_asyncio.fixture
async def tasks(tmp_path: Path) -> AsyncIterator[Collection[Task]]:
    """A real collection of timed documents."""
    store = SqliteDocStore(tmp_path / "tasks.sqlite")
    collection = store.collection(TASKS)
    await store.start()
    yield collection
    await store.stop()


def late(registry: CollectorRegistry, timers: str) -> float | None:
    """What Prometheus would be told."""
    return registry.get_sample_value("deskbus_timers_late_seconds", {"timers": timers})


async def test_a_timer_that_fails_again_and_again_gets_later_and_later(tasks: Collection[Task]):
    """Lateness counts from when it was due, whatever the claims in between; once it fired there is none."""
    clock, registry, is_away = ManualClock(NOON), CollectorRegistry(), True

    async def fire(task: Task, due: Due) -> None:
        if is_away:
            raise TransientError("away")
        await tasks.replace_many([without_due(task, due.kind)])

    await tasks.insert_many([with_due(Task(id="t"), "wake", NOON)])
    timers = Timers(tasks, clock, fire)
    timers.worker(registry, "tasks")
    told = []
    for pause in (0, 300, 300):
        clock.advance(timedelta(seconds=pause))
        await timers.run_due()
        told.append(late(registry, "tasks"))
    is_away = False
    for pause in (10, 10):
        clock.advance(timedelta(seconds=pause))
        await timers.run_due()
        told.append(late(registry, "tasks"))

    assert told == [0, 300, 600, 610, 0]
    stored = await tasks.get("t")
    assert stored is not None
    assert stored.due == ()


def test_services_with_several_timers_share_one_gauge():
    """The oldest moment counts for each; a moment to come is not late."""
    registry = CollectorRegistry()
    TimerLateness.on(registry).observe("a", [NOON, NOON - timedelta(seconds=30)], NOON)
    TimerLateness.on(registry).observe("b", [NOON + timedelta(seconds=30)], NOON)

    assert (late(registry, "a"), late(registry, "b")) == (30, 0)
