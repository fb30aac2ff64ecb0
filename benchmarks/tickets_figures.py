"""What reading an inbox comes to: percentiles by case and size, what is aimed for, and both as tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from benchmarks.figures import SCHEMA, Target, percentile

Kind = Literal["list", "counts", "search"]

_AIMS_MS: dict[Kind, float] = {"list": 25.0, "counts": 25.0, "search": 50.0}
_FLAT = 1.5
_SAME_PAGE = 0.95
"""A page with fewer of the items of another is not the same page, and cheaper for that reason alone."""


class Reading(BaseModel):
    """One case at one size: the request through the whole service, beside its rows read by a hand-written query."""

    tickets: int
    case: str
    kind: Kind
    samples: int
    items: float
    p50_ms: float
    p95_ms: float
    cpu_p50_ms: float
    floor_p50_ms: float
    floor_p95_ms: float


class Filled(BaseModel):
    """What one size took to make."""

    tickets: int
    messages: int
    seconds: float
    mebibytes: float


class ReadingResult(BaseModel):
    """One invocation, as it is written to JSON."""

    schema_version: int = SCHEMA
    at: str
    machine: str
    commit: str
    load_average: float
    filled: list[Filled]
    readings: list[Reading]


@dataclass(slots=True)
class Taken:
    """What the requests of one case took, in seconds; `cpu` is the processor time of the whole process."""

    items: list[int] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)


def reading(tickets: int, case: str, kind: Kind, taken: Taken) -> Reading:
    """The figures of one case."""
    return Reading(
        tickets=tickets,
        case=case,
        kind=kind,
        samples=len(taken.wall),
        items=sum(taken.items) / len(taken.items),
        p50_ms=1000 * percentile(taken.wall, 50),
        p95_ms=1000 * percentile(taken.wall, 95),
        cpu_p50_ms=1000 * percentile(taken.cpu, 50),
        floor_p50_ms=1000 * percentile(taken.floor, 50),
        floor_p95_ms=1000 * percentile(taken.floor, 95),
    )


def reading_targets(readings: Sequence[Reading]) -> list[Target]:
    """The worst case of each kind at each size; and of equal pages how much the largest size costs of the smallest."""
    rows = []
    for tickets in sorted({one.tickets for one in readings}):
        for kind, aim in _AIMS_MS.items():
            of_kind = [one for one in readings if (one.tickets, one.kind) == (tickets, kind)]
            if of_kind:
                worst = max(of_kind, key=lambda one: one.p95_ms)
                what = f"{tickets:,} tickets, {kind}: p95 of the slowest case ({worst.case})"
                rows.append(_target(what, f"≤ {aim:.0f} ms", f"{worst.p95_ms:.1f} ms", is_met=worst.p95_ms <= aim))
    return rows + _flatness(readings)


def print_readings(console: Console, result: ReadingResult) -> None:
    """What was made, what reading it took, and how that compares with what is aimed for."""
    console.print(f"{result.at}  {result.machine}, commit {result.commit}, load average {result.load_average:.1f}")
    for one in result.filled:
        made = f"{one.tickets:,} tickets, {one.messages:,} messages: {one.mebibytes:,.0f} MiB in {one.seconds:.0f} s"
        console.print(f"  {made}", highlight=False)
    table = Table(title="Reading; embedded (SQLite), through the whole HTTP application in one process")
    for column in ("tickets", "case", "items", "p50 ms", "p95 ms", "CPU p50", "floor p50", "floor p95"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for row in result.readings:
        figures = (row.p50_ms, row.p95_ms, row.cpu_p50_ms, row.floor_p50_ms, row.floor_p95_ms)
        table.add_row(f"{row.tickets:,}", row.case, f"{row.items:.0f}", *(f"{figure:.1f}" for figure in figures))
    console.print(table)
    aims = Table(title="What is aimed for")
    for column in ("", "aim", "measured", "met"):
        aims.add_column(column)
    for target in reading_targets(result.readings):
        aims.add_row(target.what, target.aim, target.measured, "yes" if target.is_met else "[red]no[/red]")
    console.print(aims)


def _flatness(readings: Sequence[Reading]) -> list[Target]:
    sizes = sorted({one.tickets for one in readings})
    if len(sizes) < 2:  # noqa: PLR2004 - two sizes to compare
        return []
    lists = {(one.tickets, one.case): one for one in readings if one.kind == "list"}
    pairs = {case: (lists[sizes[0], case], lists[sizes[-1], case]) for _, case in lists}
    ratios = {
        case: large.p95_ms / small.p95_ms
        for case, (small, large) in pairs.items()
        if min(small.items, large.items) >= _SAME_PAGE * max(small.items, large.items)
    }
    if not ratios:
        return []
    worst = max(ratios, key=lambda case: ratios[case])
    compared = f"{len(ratios)} of {len(pairs)} lists have pages of the same size"
    what = f"lists at {sizes[-1]:,} over {sizes[0]:,}: the steepest case ({worst}); {compared}"
    return [_target(what, f"≤ {_FLAT}", f"{ratios[worst]:.2f}", is_met=ratios[worst] <= _FLAT)]


def _target(what: str, aim: str, measured: str, *, is_met: bool) -> Target:
    return Target(what=what, aim=aim, measured=measured, is_met=is_met)
