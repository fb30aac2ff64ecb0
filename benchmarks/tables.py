"""A result as tables for reading."""

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Result, Saturation, Steady, Throughput, targets


def print_result(console: Console, result: Result) -> None:
    """Saturation, steady rates, and how both compare with what is aimed for."""
    console.print(f"{result.at}  {result.machine}, commit {result.commit}, load average {result.load_average:.1f}")
    for name, note in result.notes.items():
        console.print(f"  {name}: {note}", highlight=False)
    console.print(_saturation(result.saturation))
    console.print(_steady(result.steady))
    console.print(_targets(result))


def _saturation(rows: list[Saturation]) -> Table:
    table = Table(title="At saturation: one process a service, medians of runs in turn; per message")
    for column in ("engines", "services", "replicas"):
        table.add_column(column)
    for column in ("", "messages/s", "of the floor", "by CPU", "service", "CPU µs", "store calls", "bus calls"):
        table.add_column(column, justify="left" if column in {"", "service"} else "right")
    for row in rows:
        head = (row.engines, row.scenario, str(row.replicas))
        if row.pipeline is None or row.floor is None:
            table.add_row(*head, f"not measured: {row.not_measured}")
            continue
        _add_costs(table, head, "pipeline", row.pipeline, (f"{row.ratio:.2f}", f"{row.cpu_ratio:.2f}"))
        _add_costs(table, ("", "", ""), "floor", row.floor, ("1.00", "1.00"))
        table.add_section()
    return table


def _add_costs(table: Table, head: tuple[str, ...], mode: str, measured: Throughput, shares: tuple[str, str]) -> None:
    cells = (mode, f"{measured.messages_per_second:.0f}", *shares)
    for service, cost in measured.costs.items():
        table.add_row(
            *head,
            *cells,
            service,
            f"{cost.cpu_micros:.0f}",
            f"{cost.store_round_trips:.3f}",
            f"{cost.bus_round_trips:.3f}",
        )
        head, cells = ("", "", ""), ("", "", "", "")


def _steady(rows: list[Steady]) -> Table:
    table = Table(title="Steady rates through the real doors; every message opens a ticket that is assigned")
    table.add_column("engines")
    for column in ("messages/s", "sent", "assigned", "p50 ms", "p99 ms", "door p99 ms", "sent late p99 ms", "CPU µs"):
        table.add_column(column, justify="right")
    for row in rows:
        if row.p50_ms is None:
            table.add_row(row.engines, f"{row.rate:g}", f"not measured: {row.not_measured}")
            continue
        figures = (row.p50_ms, row.p99_ms, row.accept_p99_ms, row.late_p99_ms, row.cpu_micros)
        shown = ("-" if figure is None else f"{figure:.0f}" for figure in figures)
        table.add_row(row.engines, f"{row.rate:g}", str(row.sent), str(row.assigned), *shown)
    return table


def _targets(result: Result) -> Table:
    table = Table(title="What is aimed for")
    for column in ("", "aim", "measured", "met"):
        table.add_column(column)
    for target in targets(result):
        table.add_row(target.what, target.aim, target.measured, "yes" if target.is_met else "[red]no[/red]")
    return table
