"""A bulk action as it is stored: what is asked of which tickets, and how far it is (L8). Pure; no I/O.

Its tickets are in parts, each with their results: a part is read, done and written at once, and the run itself only
counts. So whoever finds a run whose carrier died goes on with the part that it was at, and repeats nothing but that.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from contracts.envelope import UtcDatetime
from service_kit.auth import Principal
from service_kit.docstore import CollectionSpec, Document, Index
from service_kit.timers import Timed, with_due, without_due
from tickets.bulk.bulk import BATCH, BulkChange, BulkResult

BulkState = Literal["running", "done", "failed"]
"""Public contract. `failed`: it stopped again and again, and is given up; its results say what was done."""

CARRY_ON, FORGET = "carry_on", "forget"
"""The kinds of its timers."""

LEASE = timedelta(seconds=30)
"""For how long a run is its carrier's after each part."""
KEPT_FOR = timedelta(days=7)
MAX_ATTEMPTS = 5


class BulkRun(Timed):
    """One action on many tickets. `next_part` is the first one that is not done; `attempts` counts its carriers."""

    account_id: str
    principal: Principal
    change: BulkChange
    total: int
    parts: int
    next_part: int = 0
    done: int = 0
    failed: int = 0
    attempts: int = 0
    state: BulkState = "running"
    created_at: UtcDatetime
    ended_at: UtcDatetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be done."""
        return self.state != "running"


class BulkPart(Document):
    """Some tickets of a run, in the order given; `codes` are their results once they are done, null for success."""

    run_id: str
    ids: tuple[str, ...]
    codes: tuple[str | None, ...] = ()

    @property
    def results(self) -> Sequence[BulkResult]:
        """What became of each, as far as it is done."""
        done = zip(self.ids, self.codes, strict=False)
        return [BulkResult(id=ticket_id, ok=code is None, code=code) for ticket_id, code in done]


BULK_RUNS = CollectionSpec(
    name="bulk_runs", model=BulkRun, indexes=(Index(("account_id", "created_at")), Index(("due_at",)))
)
BULK_PARTS = CollectionSpec(name="bulk_parts", model=BulkPart, indexes=(Index(("run_id",)),))


def part_id(run_id: str, number: int) -> str:
    """The id of a part; numbers begin with 0."""
    return f"{run_id}/{number:05d}"


def begun(
    run_id: str, principal: Principal, change: BulkChange, ids: Sequence[str], now: datetime
) -> tuple[BulkRun, Sequence[BulkPart]]:
    """A run about to be carried out, and its parts; a ticket named twice is done once."""
    wanted = list(dict.fromkeys(ids))
    starts = range(0, len(wanted), BATCH)
    parts = [
        BulkPart(id=part_id(run_id, number), run_id=run_id, ids=tuple(wanted[start : start + BATCH]))
        for number, start in enumerate(starts)
    ]
    run = BulkRun(
        id=run_id,
        account_id=principal.account_id,
        principal=principal,
        change=change,
        total=len(wanted),
        parts=len(parts),
        attempts=1,
        created_at=now,
    )
    return (_ended(run, "done", now) if not parts else with_due(run, CARRY_ON, now + LEASE)), parts


def taken_up(run: BulkRun, now: datetime) -> BulkRun:
    """The run with another carrier; given up when there were too many."""
    if run.attempts >= MAX_ATTEMPTS:
        return _ended(run, "failed", now)
    return with_due(run.model_copy(update={"attempts": run.attempts + 1}), CARRY_ON, now + LEASE)


def advanced(run: BulkRun, results: Sequence[BulkResult], now: datetime) -> BulkRun:
    """The run after one more part; what makes progress may be interrupted as often as it likes."""
    update = {
        "next_part": run.next_part + 1,
        "done": run.done + len(results),
        "failed": run.failed + sum(not result.ok for result in results),
        "attempts": 1,
    }
    run = run.model_copy(update=update)
    return _ended(run, "done", now) if run.next_part >= run.parts else with_due(run, CARRY_ON, now + LEASE)


def _ended(run: BulkRun, state: BulkState, now: datetime) -> BulkRun:
    ended = without_due(run.model_copy(update={"state": state, "ended_at": now}), CARRY_ON)
    return with_due(ended, FORGET, now + KEPT_FOR)
