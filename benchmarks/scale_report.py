"""The simulation of scale as a table, beside the arithmetic that it should agree with."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.scale import Outcome, Plan, simulate
from benchmarks.scale_costs import Costs

PLANS: Sequence[Plan] = (
    Plan(rate=10, partitions=12, accounts=20, seconds=60),
    Plan(rate=1_000, partitions=12, accounts=2_000, seconds=10),
    Plan(rate=1_000, partitions=12, accounts=5, seconds=10),
    Plan(rate=10_000, partitions=12, accounts=20_000, seconds=3),
    Plan(rate=10_000, partitions=96, accounts=20_000, seconds=3),
    Plan(rate=100_000, partitions=768, accounts=200_000, seconds=1),
)
"""As the page argues: each rate, what a few large accounts change, and what partitions allow."""
_MICROS = 1e6


def report(console: Console, costs: Costs, plans: Sequence[Plan] = PLANS) -> list[Outcome]:
    """Simulate and print."""
    console.print(f"SIMULATION, not a measurement. Costs: {costs.source}", highlight=False, soft_wrap=True)
    console.print(
        f"a message: tickets {costs.tickets_micros:.0f} µs, router {costs.router_micros:.0f} µs, all services at most "
        f"{costs.whole_micros:.0f} µs; a batch: {costs.batch_micros:.0f} µs",
        highlight=False,
        soft_wrap=True,
    )
    outcomes = [simulate(plan, costs) for plan in plans]
    console.print(_table(outcomes, costs))
    return outcomes


def _table(outcomes: Sequence[Outcome], costs: Costs) -> Table:
    table = Table(
        "msg/s", "partitions", "accounts", "largest", "service", "replicas", "load", "p50 ms", "p99 ms", "breaks first"
    )
    for outcome in outcomes:
        head = (
            f"{outcome.rate:,.0f}",
            str(outcome.partitions),
            f"{outcome.accounts:,}",
            f"{outcome.largest_account:.1%}",
        )
        for number, stage in enumerate(outcome.stages):
            replicas = str(stage.replicas) if stage.replicas == stage.wanted else f"{stage.replicas} of {stage.wanted}"
            figures = (f"{stage.load:.0%}", f"{stage.p50_ms:.0f}", f"{stage.p99_ms:.0f}")
            last = (
                outcome.breaks_first if number == 0 else f"≤ {outcome.rate * costs.whole_micros / _MICROS:,.1f} cores"
            )
            table.add_row(*(head if number == 0 else [""] * len(head)), stage.service, replicas, *figures, last)
        table.add_section()
    return table
