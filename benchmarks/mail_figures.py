"""What mail comes to: figures, what is aimed for, and both as tables. Pure but for printing."""

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Target, percentile
from benchmarks.mail_accept import AcceptRun
from benchmarks.mail_parse import ParseRun
from benchmarks.mail_visible import VisibleRun


class Accepting(BaseModel):
    """Mails a second by our door and by a bare handler: medians of runs in turn; processor time for one mail."""

    mails: int
    door: float
    bare: float
    door_runs: list[float]
    bare_runs: list[float]
    door_cpu_micros: float
    bare_cpu_micros: float

    @property
    def ratio(self) -> float:
        """In units of the bare handler."""
        return self.door / self.bare


class Parsing(BaseModel):
    """Medians of runs with so many parser processes: by the clock, by their processor time, and who feeds them."""

    workers: int
    mails: int
    per_second: float
    per_cpu_second: float
    parent_cpu_micros: float


class Visible(BaseModel):
    """From 250 to a ticket that can be read, at a steady rate."""

    rate: float
    sent: int
    seen: int
    refused: int
    p50_ms: float
    p99_ms: float
    late_p99_ms: float


class MailMeasured(BaseModel):
    """What was asked for."""

    accepting: Accepting | None = None
    parsing: list[Parsing] = []
    visible: Visible | None = None


class MailResult(BaseModel):
    """One invocation, as it is written to JSON."""

    at: str
    machine: str
    commit: str
    load_average: float
    measured: MailMeasured


def accepting(mails: int, runs: Sequence[AcceptRun]) -> Accepting:
    """The medians of several runs."""
    door, bare = ([run for run in runs if run.mode == mode] for mode in ("door", "bare"))
    return Accepting(
        mails=mails,
        door=median(run.per_second for run in door),
        bare=median(run.per_second for run in bare),
        door_runs=[round(run.per_second, 1) for run in door],
        bare_runs=[round(run.per_second, 1) for run in bare],
        door_cpu_micros=median(run.cpu_micros for run in door),
        bare_cpu_micros=median(run.cpu_micros for run in bare),
    )


def parsing(runs: Sequence[ParseRun]) -> Parsing:
    """The medians of several runs with as many processes."""
    return Parsing(
        workers=runs[0].workers,
        mails=runs[0].mails,
        per_second=median(run.mails / run.seconds for run in runs),
        per_cpu_second=median(run.mails / run.cpu_seconds for run in runs),
        parent_cpu_micros=median(run.parent_cpu_seconds / run.mails * 1e6 for run in runs),
    )


def visible(run: VisibleRun) -> Visible:
    """Percentiles that occurred."""
    return Visible(
        rate=run.rate,
        sent=run.sent,
        seen=len(run.waits),
        refused=run.refused,
        p50_ms=percentile(run.waits, 50) * 1000,
        p99_ms=percentile(run.waits, 99) * 1000,
        late_p99_ms=percentile(run.late_seconds, 99) * 1000,
    )


def mail_targets(result: MailMeasured) -> list[Target]:
    """What is aimed for, row by row that has figures."""
    rows = []
    if result.accepting is not None:
        share = result.accepting.ratio
        what = "accepting: share of a bare aiosmtpd with the same write and fsync"
        rows.append(Target(what=what, aim="≥ 0.70", measured=f"{share:.2f}", is_met=share >= 0.7))  # noqa: PLR2004 - as it is aimed
    for one in result.parsing:
        what = f"parsing, {one.workers} process{'es' if one.workers > 1 else ''}: mails a second of a core"
        is_met = one.per_cpu_second >= 150  # noqa: PLR2004 - as it is aimed
        rows.append(Target(what=what, aim="≥ 150", measured=f"{one.per_cpu_second:,.0f}", is_met=is_met))
    if (seen := result.visible) is not None:
        what = f"p99 from 250 to a visible ticket at {seen.rate:g} mails/s"
        is_met = seen.p99_ms <= 500 and seen.seen == seen.sent  # noqa: PLR2004 - as it is aimed
        rows.append(Target(what=what, aim="≤ 500 ms", measured=f"{seen.p99_ms:.0f} ms", is_met=is_met))
    return rows


def print_mail(console: Console, result: MailResult) -> None:
    """The figures, and how they compare with what is aimed for."""
    console.print(f"{result.at}  {result.machine}, commit {result.commit}, load average {result.load_average:.1f}")
    table = Table(title="Mail")
    for column in ("", "", ""):
        table.add_column(column)
    for row in _rows(result.measured):
        table.add_row(*row)
    console.print(table)
    aims = Table(title="What is aimed for")
    for column in ("", "aim", "measured", "met"):
        aims.add_column(column)
    for target in mail_targets(result.measured):
        aims.add_row(target.what, target.aim, target.measured, "yes" if target.is_met else "[red]no[/red]")
    console.print(aims)


def _rows(measured: MailMeasured) -> list[tuple[str, str, str]]:
    rows = []
    if (one := measured.accepting) is not None:
        cpu = f"{one.door_cpu_micros:.0f} µs of processor each, bare {one.bare_cpu_micros:.0f} µs"
        rows.append((f"accepting {one.mails:,}", f"{one.door:.0f} mails/s, bare {one.bare:.0f} mails/s", cpu))
    for by in measured.parsing:
        about = f"{by.per_cpu_second:.0f} for a second of their processor time, {by.parent_cpu_micros:.0f} µs ours each"
        rows.append((f"parsing {by.mails:,}, processes: {by.workers}", f"{by.per_second:.0f} mails/s", about))
    if (seen := measured.visible) is not None:
        about = f"{seen.seen} of {seen.sent} seen, {seen.refused} refused, sent late p99 {seen.late_p99_ms:.0f} ms"
        rows.append((f"visible at {seen.rate:g}/s", f"p50 {seen.p50_ms:.0f} ms, p99 {seen.p99_ms:.0f} ms", about))
    return rows
