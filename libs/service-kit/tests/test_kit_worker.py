import asyncio

import pytest
from structlog.testing import capture_logs

from service_kit.errors import TransientError
from service_kit.testing.eventually import eventually
from service_kit.worker import PeriodicWorker


async def test_runs_again_and_again_until_stopped():
    """A worker repeats its run, and not once more after `stop` returned."""
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1

    worker = PeriodicWorker("counting", 0.001, run)
    await worker.start()
    await eventually(lambda: runs >= 3)
    await worker.stop()
    after_stop = runs
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(50)))

    assert runs == after_stop


@pytest.mark.parametrize("error", [TransientError("the store is down"), ValueError("a mistake")], ids=repr)
async def test_survives_failures(error: Exception):
    """Neither a transient nor an unexpected failure ends a worker; both are logged."""
    outcomes = iter([error, error])
    succeeded = asyncio.Event()

    async def run() -> None:
        failure = next(outcomes, None)
        if failure is not None:
            raise failure
        succeeded.set()

    worker = PeriodicWorker("failing", 0.001, run)
    with capture_logs() as logs:
        await worker.start()
        async with asyncio.timeout(5):
            await succeeded.wait()
        await worker.stop()

    assert [line["failures"] for line in logs] == [1, 2]
    assert {line["worker"] for line in logs} == {"failing"}


async def test_survives_the_cancellation_of_what_it_awaits():
    """A cancelled task that a run awaits is a failure of that run, not the end of the worker."""
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            child = asyncio.create_task(asyncio.sleep(60))
            child.cancel()
            await child

    worker = PeriodicWorker("interrupted", 0.001, run)
    await worker.start()
    await eventually(lambda: runs >= 2)
    await worker.stop()


async def test_delays_grow_with_failures_and_stay_bounded():
    """A failing worker backs off to seconds and never further, so that it is there soon after an outage."""

    async def run() -> None:
        return

    worker = PeriodicWorker("patient", 0.25, run)

    assert [worker._delay(failures) for failures in (0, 1, 2, 10, 10_000)] == [0.25, 0.5, 1.0, 5.0, 5.0]


async def test_stop_lets_the_run_in_flight_finish():
    """`stop` returns only when the run that had begun has ended."""
    begun, may_end = asyncio.Event(), asyncio.Event()
    finished = False

    async def run() -> None:
        nonlocal finished
        begun.set()
        await may_end.wait()
        finished = True

    worker = PeriodicWorker("slow", 1, run)
    await worker.start()
    await begun.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    may_end.set()
    await stopping

    assert finished


async def test_stop_cancels_a_run_that_hangs():
    """A run that does not end within the grace is cancelled, so that the process can stop."""
    begun = asyncio.Event()
    cancelled = False

    async def run() -> None:
        nonlocal cancelled
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise

    worker = PeriodicWorker("hanging", 1, run, stop_grace_seconds=0.01)
    await worker.start()
    await begun.wait()
    await worker.stop()

    assert cancelled


async def test_lives_once():
    """A worker cannot be started twice; one that never started can be stopped."""

    async def run() -> None:
        return

    worker = PeriodicWorker("once", 1, run)
    await worker.start()

    with pytest.raises(RuntimeError, match="once"):
        await worker.start()
    await worker.stop()
    await PeriodicWorker("never", 1, run).stop()


async def test_refuses_an_interval_that_would_spin():
    """An interval of nothing would keep the loop busy for ever."""

    async def run() -> None:
        return

    with pytest.raises(ValueError, match="positive"):
        PeriodicWorker("spinning", 0, run)
