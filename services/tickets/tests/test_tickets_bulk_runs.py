"""Bulk actions are carried to their end, by whoever is left to do so (L8)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from service_kit.auth import Principal
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.bulk.bulk import BATCH, Bulk, BulkChange, BulkResult
from tickets.bulk.bulk_run import KEPT_FOR, LEASE, MAX_ATTEMPTS, BulkRun, advanced, begun
from tickets.bulk.bulk_run_store import BulkRunStore
from tickets.bulk.bulk_runs import MAX_RUNS, BulkRuns
from tickets.ticket.desk import Edit
from tickets.ticket.model import Ticket

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Principal("acc_1", "agent", "agt_1", "admin", frozenset({"*"}), "cred_1")
CLOSE = BulkChange("close")
IDS = [f"tic_{number:04}" for number in range(2 * BATCH + 5)]
PAST_THE_LEASE = LEASE + timedelta(seconds=1)


class Gate(Bulk):
    """A bulk action that does nothing but wait to be let on; `done` are the tickets it was asked for."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.open = asyncio.Event()
        self.done: list[str] = []
        if is_open:
            self.open.set()

    async def settled(self, principal: Principal, change: BulkChange) -> BulkChange:
        """As it is."""
        return change

    async def ready(self, principal: Principal, change: BulkChange) -> Edit:
        """Nothing changes."""
        return _unchanged

    async def batch(self, account_id: str, ids: Sequence[str], edit: Edit) -> Sequence[BulkResult]:
        """All of them, once the gate is open."""
        await self.open.wait()
        self.done += ids
        return [BulkResult(id=one, ok=True) for one in ids]


class Broken(Gate):
    """A bulk action that fails each time."""

    async def batch(self, account_id: str, ids: Sequence[str], edit: Edit) -> Sequence[BulkResult]:
        """Not one of them."""
        raise RuntimeError("half-way")


def _unchanged(ticket: Ticket) -> Ticket:
    return ticket


@pytest.fixture
def clock() -> ManualClock:
    """Noon."""
    return ManualClock(NOON)


@pytest_asyncio.fixture
async def store(make_platform: Callable[..., Platform]) -> AsyncIterator[BulkRunStore]:
    """The embedded store."""
    platform = make_platform("tickets")
    store = BulkRunStore(platform.store)
    await platform.store.start()
    yield store
    await platform.store.stop()


async def _abandoned(store: BulkRunStore, parts_done: int) -> BulkRun:
    """A run whose carrier died after some parts."""
    run, parts = begun("run_1", ANN, CLOSE, IDS, NOON)
    stored = await store.insert(run, parts)
    assert stored is not None
    for part in parts[:parts_done]:
        await store.save_part(part.model_copy(update={"rev": 1, "codes": (None,) * len(part.ids)}))
        results = [BulkResult(id=one, ok=True) for one in part.ids]
        stored = await store.replace(advanced(stored, results, NOON))
        assert stored is not None
    return stored


async def _results(runs: BulkRuns, run: BulkRun) -> list[str]:
    return [result.id async for _, batch in runs.follow(run) for result in batch]


async def test_it_goes_on_without_a_listener(store: BulkRunStore, clock: ManualClock) -> None:
    """Whoever hangs up stops nothing: the action goes on to its end, of which the service waits when it stops (L8)."""
    gate = Gate()
    runs = BulkRuns(gate, store, clock)
    run = await runs.begin(ANN, CLOSE, [*IDS, IDS[0]])

    async def listen_once() -> None:
        async for _ in runs.follow(run):
            return

    listening = asyncio.create_task(listen_once())
    gate.open.set()
    await listening
    await runs.stop()
    ended = await runs.get("acc_1", run.id)

    assert gate.done == IDS
    assert (ended.state, ended.done, ended.ended_at) == ("done", len(IDS), NOON)


async def test_so_many_at_once(store: BulkRunStore, clock: ManualClock) -> None:
    """Beyond the limit an action is refused, with when to try again; when one ends there is room."""
    gate = Gate()
    runs = BulkRuns(gate, store, clock)
    begun_runs = [await runs.begin(ANN, CLOSE, ["a"]) for _ in range(MAX_RUNS)]
    with pytest.raises(Problem) as refused:
        await runs.begin(ANN, CLOSE, ["a"])
    gate.open.set()
    for run in begun_runs:
        await _results(runs, run)

    async def let_in() -> BulkRun | None:
        try:
            return await runs.begin(ANN, CLOSE, ["b"])
        except Problem:
            return None

    later = await eventually(let_in)
    await runs.stop()

    assert later is not None
    assert (refused.value.status, refused.value.code) == (429, "too_many_bulk_actions")
    assert (await runs.get("acc_1", later.id)).state == "done"


@pytest.mark.parametrize("parts_done", [0, 1, 2])
async def test_another_life_does_what_is_left(store: BulkRunStore, clock: ManualClock, parts_done: int) -> None:
    """When a carrier went silent its run goes on where it was, on any replica: no part that was done again (L8)."""
    run = await _abandoned(store, parts_done)
    gate = Gate(is_open=True)
    runs = BulkRuns(gate, store, clock)
    early = await runs.timers().run_due()
    clock.advance(PAST_THE_LEASE)
    await runs.timers().run_due()
    ended = await runs.get("acc_1", run.id)

    assert early == 0
    assert gate.done == IDS[parts_done * BATCH :]
    assert (ended.state, ended.done, ended.failed) == ("done", len(IDS), 0)
    assert await _results(runs, run) == IDS


async def test_what_is_taken_up_counts(store: BulkRunStore, clock: ManualClock) -> None:
    """Runs that others left take part of the room: no more are under way at once than may be, and none is lost (L8)."""
    for number in range(MAX_RUNS + 1):
        await store.insert(*begun(f"run_{number}", ANN, CLOSE, ["a"], NOON))
    clock.advance(PAST_THE_LEASE)
    gate = Gate()
    runs = BulkRuns(gate, store, clock)
    firing = asyncio.create_task(runs.timers().run_due())

    async def is_full() -> bool:
        try:
            await runs.begin(ANN, CLOSE, ["b"])
        except Problem:
            return True
        return False

    await eventually(is_full)
    gate.open.set()
    await firing
    await runs.stop()
    done_at_first = gate.done.count("a")
    clock.advance(PAST_THE_LEASE)
    await runs.timers().run_due()

    assert done_at_first <= MAX_RUNS
    assert gate.done.count("a") == MAX_RUNS + 1


async def test_a_slow_carrier_gives_way(store: BulkRunStore, clock: ManualClock) -> None:
    """Who was thought dead, and was not, stops where somebody else went on; each part is counted once (L8)."""
    slow, quick = Gate(), Gate(is_open=True)
    runs = BulkRuns(slow, store, clock)
    run = await runs.begin(ANN, CLOSE, IDS)
    clock.advance(PAST_THE_LEASE)
    await BulkRuns(quick, store, clock).timers().run_due()
    slow.open.set()
    await runs.stop()
    ended = await runs.get("acc_1", run.id)

    assert (ended.state, ended.done) == ("done", len(IDS))
    assert len(slow.done) <= BATCH


async def test_the_same_request_is_the_same_run(store: BulkRunStore, clock: ManualClock) -> None:
    """Asked for again under one id, also while it is under way, there is one run, done once (L8)."""
    gate = Gate()
    runs = BulkRuns(gate, store, clock)
    first = await runs.begin(ANN, CLOSE, IDS, request_id="idem_1")
    again = await runs.begin(ANN, CLOSE, ["other"], request_id="idem_1")
    known = await runs.earlier(ANN, "idem_1")
    gate.open.set()
    results = await _results(runs, again)
    await runs.stop()

    assert known is not None
    assert {first.id, again.id, known.id} == {first.id}
    assert (results, gate.done) == (IDS, IDS)


async def test_what_never_works_is_given_up(store: BulkRunStore, clock: ManualClock) -> None:
    """An action that fails each time ends as failed and never says that it is whole; nobody waits for it (L8)."""
    runs = BulkRuns(Broken(), store, clock)
    run = await runs.begin(ANN, CLOSE, IDS)
    for _ in range(MAX_ATTEMPTS):
        clock.advance(PAST_THE_LEASE)
        await runs.timers().run_due()
    await runs.stop()
    told = [(now.state, list(batch)) async for now, batch in runs.follow(run)]

    assert told == [("failed", [])]


async def test_old_runs_are_forgotten(store: BulkRunStore, clock: ManualClock) -> None:
    """Seven days after its end a run is gone, with its parts."""
    runs = BulkRuns(Gate(is_open=True), store, clock)
    run = await runs.begin(ANN, CLOSE, IDS)
    await _results(runs, run)
    clock.advance(KEPT_FOR + timedelta(seconds=1))
    await runs.timers().run_due()
    await runs.stop()

    assert await store.find("acc_1", run.id) is None
    assert await store.parts(run.id, range(3)) == []
