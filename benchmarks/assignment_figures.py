"""What assignment comes to: figures, what is aimed for, and both as tables. Pure but for printing."""

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from benchmarks.assignment_drain import DrainRun
from benchmarks.figures import Target, percentile


class Policy(BaseModel):
    """Decisions of the pure policy per second of one processor, by strategy."""

    strategy: str
    agents: int
    teams: int
    per_second: float


class Drain(BaseModel):
    """A backlog worked off: tickets a second, medians of runs in turn with the floor's."""

    backlog: int
    pipeline: float
    floor: float
    pipeline_runs: list[float]
    floor_runs: list[float]
    cpu_ratio: float

    @property
    def ratio(self) -> float:
        """In units of the floor."""
        return self.pipeline / self.floor


class Latency(BaseModel):
    """From what lets a waiting ticket be assigned until it is."""

    what: str
    count: int
    p50_ms: float
    p99_ms: float


class Measured(BaseModel):
    """What was asked for."""

    policy: list[Policy] = []
    drain: Drain | None = None
    latency: list[Latency] = []


class AssignmentResult(BaseModel):
    """One invocation, as it is written to JSON."""

    at: str
    machine: str
    commit: str
    load_average: float
    engines: str = "embedded"
    measured: Measured


def drain(backlog: int, runs: Sequence[DrainRun]) -> Drain:
    """The medians of several runs."""
    rates = {mode: [backlog / run.seconds for run in runs if run.mode == mode] for mode in ("pipeline", "floor")}
    cpu = {mode: median(run.cpu_seconds for run in runs if run.mode == mode) for mode in ("pipeline", "floor")}
    return Drain(
        backlog=backlog,
        pipeline=median(rates["pipeline"]),
        floor=median(rates["floor"]),
        pipeline_runs=[round(rate, 1) for rate in rates["pipeline"]],
        floor_runs=[round(rate, 1) for rate in rates["floor"]],
        cpu_ratio=cpu["floor"] / cpu["pipeline"],
    )


def latency(what: str, seconds: Sequence[float]) -> Latency:
    """Percentiles that occurred."""
    return Latency(
        what=what,
        count=len(seconds),
        p50_ms=percentile(seconds, 50) * 1000,
        p99_ms=percentile(seconds, 99) * 1000,
    )


def assignment_targets(result: Measured) -> list[Target]:
    """What is aimed for, row by row that has figures."""
    rows = [
        Target(
            what=f"pure decisions a second and core, {one.strategy}",
            aim="≥ 10,000",
            measured=f"{one.per_second:,.0f}",
            is_met=one.per_second >= 10_000,  # noqa: PLR2004 - as it is aimed
        )
        for one in result.policy
    ]
    if result.drain is not None:
        share = result.drain.ratio
        what = f"draining {result.drain.backlog:,} tickets: share of the floor"
        rows.append(Target(what=what, aim="≥ 0.50", measured=f"{share:.2f}", is_met=share >= 0.5))  # noqa: PLR2004 - as it is aimed
    for one in result.latency:
        what = f"p99 {one.what} to first assignment"
        is_met = one.p99_ms <= 1000  # noqa: PLR2004 - as it is aimed
        rows.append(Target(what=what, aim="≤ 1000 ms", measured=f"{one.p99_ms:.0f} ms", is_met=is_met))
    return rows


def print_assignment(console: Console, result: AssignmentResult) -> None:
    """The figures, and how they compare with what is aimed for."""
    console.print(f"{result.at}  {result.machine}, commit {result.commit}, load average {result.load_average:.1f}")
    table = Table(title=f"Assignment, {result.engines}")
    for column in ("", "", ""):
        table.add_column(column)
    for policy in result.measured.policy:
        about = f"{policy.agents} agents, {policy.teams} teams"
        table.add_row(f"policy, {policy.strategy}", f"{policy.per_second:,.0f} decisions/s", about)
    if result.measured.drain is not None:
        told = f"{result.measured.drain.pipeline:.0f} tickets/s"
        about = f"floor {result.measured.drain.floor:.0f} tickets/s, by CPU {result.measured.drain.cpu_ratio:.2f}"
        table.add_row(f"drain of {result.measured.drain.backlog:,}", told, about)
    for one in result.measured.latency:
        table.add_row(f"{one.what} ({one.count})", f"p50 {one.p50_ms:.0f} ms", f"p99 {one.p99_ms:.0f} ms")
    console.print(table)
    aims = Table(title="What is aimed for")
    for column in ("", "aim", "measured", "met"):
        aims.add_column(column)
    for target in assignment_targets(result.measured):
        aims.add_row(target.what, target.aim, target.measured, "yes" if target.is_met else "[red]no[/red]")
    console.print(aims)
