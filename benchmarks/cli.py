"""The command behind `make bench`: measure, print the tables, write the result and its picture."""

import asyncio
import logging
import os
import platform
import signal
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.status import Status

from benchmarks.assignment import PARTS, QUICK, Effort, measure_assignment
from benchmarks.assignment_figures import AssignmentResult, print_assignment
from benchmarks.engine_sets import EngineSet, engine_sets
from benchmarks.figures import Cost, Result, Saturation, Steady, Throughput, throughput
from benchmarks.mail import MAIL_PARTS, QUICK_MAIL, MailEffort, measure_mail
from benchmarks.mail_figures import MailResult, print_mail
from benchmarks.plot import plot
from benchmarks.saturation import Run, Scenario, ServiceName, measure
from benchmarks.scale_costs import measured_costs
from benchmarks.scale_report import report
from benchmarks.steady import measure_steady
from benchmarks.tables import print_result
from benchmarks.tickets import measure_reading
from benchmarks.tickets_figures import ReadingResult, print_readings
from benchmarks.tickets_inbox import OtherInboxError
from service_kit.errors import DeskbusError

_FOLDER = Path(__file__).parent / "results"
_RATES = (20.0, 50.0, 100.0)
_SERVICES: tuple[tuple[ServiceName, ...], ...] = (("tickets",), ("tickets", "router"))

command = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="markdown")
out = Console(width=None if os.isatty(1) else 150)


@command.command()
def main(
    quick: Annotated[bool, typer.Option("--quick", help="A minute or two: fewer messages, one repeat.")] = False,
    messages: Annotated[int, typer.Option(min=100, max=50_000, help="Messages in each saturated run.")] = 4000,
    repeats: Annotated[int, typer.Option(min=1, max=20, help="Counted runs of pipeline and of floor, in turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=2, max=600, help="How long each steady rate lasts.")] = 15.0,
    engines: Annotated[str, typer.Option(help="Names, e.g. `embedded,kafka+sqlite`; empty: all.")] = "",
    steady: Annotated[bool, typer.Option(help="Measure steady rates too.")] = True,
    saturation: Annotated[bool, typer.Option(help="Measure saturation too.")] = True,
    profile: Annotated[
        Path | None, typer.Option(help="Also write a cProfile of each service there, e.g. `/tmp/bench`.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the files in benchmarks/results.")] = "latest",
    tickets: Annotated[
        str, typer.Option(help="Instead: read inboxes of these sizes, e.g. `10000,100000`; see benchmarks/tickets.py.")
    ] = "",
    assignment: Annotated[
        str, typer.Option(help="Instead: measure assignment, `all` of it or e.g. `policy,drain,waits`.")
    ] = "",
    mail: Annotated[str, typer.Option(help="Instead: measure mail, `all` of it or e.g. `accept,parse,visible`.")] = "",
    keep: Annotated[
        Path | None,
        typer.Option(help="With `--tickets`: keep the inboxes there, e.g. `/tmp/inbox`, and read them again later."),
    ] = None,
    scale: Annotated[
        bool, typer.Option("--scale", help="Instead: simulate 10 to 100,000 messages a second with measured costs.")
    ] = False,
    samples: Annotated[int, typer.Option(min=20, max=10_000, help="Requests of each case with `--tickets`.")] = 200,
) -> None:
    """Measure the pipeline against its floor, on the same engines in one run.

    Examples: `make bench ARGS="--quick"`, `make bench ARGS="--engines embedded --no-steady --repeats 5"`,
    `make bench ARGS="--tickets 10000,100000 --keep /tmp/inbox"`, `make bench ARGS="--assignment all --quick"`,
    `make bench ARGS="--mail accept,parse"`,
    `PYTHONPATH=tests python -m engines -- make bench` (with the engines of production).
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing it started outlives it
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if scale:
        report(out, measured_costs(_FOLDER))
        return
    if tickets:
        _read(_sizes(tickets), samples, keep.absolute() if keep is not None else None)
        return
    if assignment:
        parts = PARTS if assignment == "all" else assignment.split(",")
        _assign(parts, QUICK if quick else Effort(repeats=repeats), engines)
        return
    if mail:
        _mail(MAIL_PARTS if mail == "all" else mail.split(","), QUICK_MAIL if quick else MailEffort())
        return
    if quick:
        messages, repeats, seconds = min(messages, 1000), 1, min(seconds, 5.0)
    chosen = [one for one in engine_sets() if not engines or one.name in engines.split(",")]
    if not chosen:
        raise typer.BadParameter(f"choose of {', '.join(one.name for one in engine_sets())}")
    load = os.getloadavg()[0]
    rows = asyncio.run(_saturation(chosen, messages, repeats, profile)) if saturation else []
    result = Result(
        **_circumstances(load),
        notes={one.name: one.unavailable or one.note for one in chosen},
        saturation=rows,
        steady=asyncio.run(_steady(chosen, seconds)) if steady else [],
    )
    print_result(out, result)
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / f"{name}.json").write_text(result.model_dump_json(indent=2) + "\n")
    (_FOLDER / f"{name}.svg").write_text(plot(result))
    out.print(f"written: {_FOLDER / name}.json, .svg", highlight=False, soft_wrap=True)


def _read(sizes: list[int], samples: int, keep: Path | None) -> None:
    """Measure reading, on the embedded engines: what FerretDB takes says nothing about MongoDB."""
    load, filled, readings = os.getloadavg()[0], [], []
    for count in sizes:
        with out.status("") as status:
            tell = _telling(status, f"{count:,} tickets")
            try:
                made, read = asyncio.run(measure_reading(engine_sets()[0], count, samples, tell, keep))
            except OtherInboxError as error:
                raise typer.BadParameter(f"--keep: {error}") from error
        filled.append(made)
        readings += read
    result = ReadingResult(
        **_circumstances(load),
        filled=filled,
        readings=readings,
    )
    print_readings(out, result)
    _keep("tickets", result)


def _assign(parts: Sequence[str], effort: Effort, engines: str) -> None:
    """Measure assignment, on the embedded engines unless another set is named."""
    if not set(parts) <= set(PARTS):
        raise typer.BadParameter(f"--assignment takes `all`, or some of {','.join(PARTS)}")
    chosen = next((one for one in engine_sets() if one.name == (engines or "embedded")), None)
    if chosen is None or chosen.unavailable:
        raise typer.BadParameter(chosen.unavailable if chosen else "--assignment is measured on one set of engines")
    load = os.getloadavg()[0]
    with out.status("") as status:
        measured = measure_assignment(chosen, parts, effort, _telling(status, f"assignment, {chosen.name}"))
    result = AssignmentResult(
        **_circumstances(load),
        engines=chosen.name,
        measured=measured,
    )
    print_assignment(out, result)
    _keep("assignment" if chosen.is_a_folder else f"assignment-{chosen.name}", result)


def _mail(parts: Sequence[str], effort: MailEffort) -> None:
    """Measure mail, on the embedded engines."""
    if not set(parts) <= set(MAIL_PARTS):
        raise typer.BadParameter(f"--mail takes `all`, or some of {','.join(MAIL_PARTS)}")
    load = os.getloadavg()[0]
    with out.status("") as status:
        measured = measure_mail(engine_sets()[0], parts, effort, _telling(status, "mail"))
    result = MailResult(
        **_circumstances(load),
        measured=measured,
    )
    print_mail(out, result)
    _keep("mail", result)


def _circumstances(load: float) -> dict[str, Any]:
    """Of a measurement: when, where, of what, and how busy the machine was when it began."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}",
        "commit": _commit(),
        "load_average": load,
    }


def _keep(name: str, result: BaseModel) -> None:
    _FOLDER.mkdir(exist_ok=True)
    path = _FOLDER / f"{name}.json"
    path.write_text(result.model_dump_json(indent=2) + "\n")
    out.print(f"written: {path}", highlight=False, soft_wrap=True)


def _sizes(text: str) -> list[int]:
    sizes = [int(size) if size.strip().isdecimal() else 0 for size in text.split(",")]
    if not all(1_000 <= size <= 10_000_000 for size in sizes):  # noqa: PLR2004 - said in the refusal
        raise typer.BadParameter("--tickets takes sizes from 1000 to 10000000, separated by commas")
    return sorted(set(sizes))


async def _saturation(chosen: list[EngineSet], messages: int, repeats: int, profile: Path | None) -> list[Saturation]:
    rows = []
    for engines in chosen:
        for services in _SERVICES:
            for replicas in (1, 2):
                scenario = Scenario(services, messages, replicas)
                row = Saturation(engines=engines.name, scenario=scenario.name, replicas=replicas, messages=messages)
                reason = _reason(engines, replicas)
                if reason:
                    rows.append(row.model_copy(update={"not_measured": reason}))
                    continue
                rows.append(row.model_copy(update=await _measured(engines, scenario, repeats, profile)))
    return rows


async def _measured(engines: EngineSet, scenario: Scenario, repeats: int, profile: Path | None) -> dict[str, Any]:
    """What a row is to hold; a scenario that fails says so in its row and spoils no other."""
    told = f"{engines.name}, {scenario.name}, {scenario.replicas} replica{'s' if scenario.replicas > 1 else ''}"
    with out.status("") as status:
        try:
            runs = await measure(
                engines,
                scenario,
                repeats=repeats,
                tell=_telling(status, told),
                profile=profile if scenario.replicas == 1 else None,
            )
        except (RuntimeError, TimeoutError, DeskbusError) as error:
            out.print(f"{told}: failed: {error!r}", highlight=False)
            return {"not_measured": f"failed: {type(error).__name__} {error}"}
    return _medians(runs)


def _reason(engines: EngineSet, replicas: int) -> str:
    if engines.unavailable:
        return engines.unavailable
    if replicas > 1 and not engines.takes_replicas:
        return "one process consumes on the embedded bus (one machine, one process)"
    return ""


def _medians(runs: list[Run]) -> dict[str, Any]:
    pipeline = [run for run in runs if run.mode == "pipeline"]
    calls = {name: round(count / pipeline[-1].messages, 4) for name, count in pipeline[-1].engine_calls.items()}
    floor = [run for run in runs if run.mode == "floor"]
    return {"pipeline": _throughput(pipeline), "floor": _throughput(floor), "engine_calls_per_message": calls}


def _throughput(runs: list[Run]) -> Throughput:
    costs = [
        {
            service: Cost(
                cpu_micros=run.cpu_micros(service),
                store_round_trips=run.per_message(service, "store"),
                bus_round_trips=run.per_message(service, "bus"),
            )
            for service in run.processes
        }
        for run in runs
    ]
    return throughput([run.messages / run.seconds for run in runs], costs)


async def _steady(chosen: list[EngineSet], seconds: float) -> list[Steady]:
    rows: list[Steady] = []
    for engines in chosen:
        if engines.unavailable:
            rows += [Steady(engines=engines.name, rate=rate, not_measured=engines.unavailable) for rate in _RATES]
            continue
        with out.status("") as status:
            try:
                rows += await measure_steady(engines, _RATES, seconds, tell=_telling(status, engines.name))
            except (RuntimeError, TimeoutError, DeskbusError) as error:
                reason = f"failed: {type(error).__name__} {error}"
                rows += [Steady(engines=engines.name, rate=rate, not_measured=reason) for rate in _RATES]
    return rows


def _telling(status: Status, about: str) -> Callable[[str], None]:
    """Shows what is being done, as a line of its own where nobody watches a terminal."""

    def tell(what: str) -> None:
        if out.is_terminal:
            status.update(f"{about}: {what}")
        else:
            out.print(f"{about}: {what}", highlight=False)

    return tell


def _commit() -> str:
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - found on PATH, wherever git is
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "unknown"
