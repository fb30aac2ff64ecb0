"""The simulation of scale: that it follows from its costs, and says what breaks."""

from io import StringIO
from pathlib import Path

import pytest
from benchmarks.figures import Cost, Result, Saturation, Steady, Throughput
from benchmarks.scale import Plan, account_shares, replicas_wanted, simulate
from benchmarks.scale_costs import DOCUMENTED, Costs, measured_costs
from benchmarks.scale_report import report
from rich.console import Console

CHEAP = Costs(source="a test", tickets_micros=1000, router_micros=400, batch_micros=1000, whole_micros=5000)


@pytest.mark.parametrize(
    ("rate", "micros", "replicas"), [(1, 1000, 1), (600, 1000, 1), (601, 1000, 2), (6000, 1000, 10)]
)
def test_replicas_follow_from_the_cost(rate: float, micros: float, replicas: int) -> None:
    """Each is planned to be busy for three fifths of its time."""

    assert replicas_wanted(rate, micros) == replicas


def test_a_load_with_room_is_worked_off_at_once() -> None:
    """Below the plan nobody waits for long, and nothing breaks."""
    outcome = simulate(Plan(rate=100, partitions=12, accounts=50, seconds=5), CHEAP)
    tickets, router = outcome.stages

    assert outcome.breaks_first == "nothing"
    assert tickets.load < 0.6
    assert 1 <= tickets.p50_ms <= tickets.p99_ms < 30
    assert router.p99_ms < 30


def test_an_account_that_is_too_large_is_found() -> None:
    """New tickets of one account are one replica's work, however many replicas there are."""
    outcome = simulate(Plan(rate=3000, partitions=48, accounts=1, seconds=2), CHEAP)

    assert outcome.largest_account == 1
    assert outcome.breaks_first == "router: one account is too large"
    assert outcome.stages[1].p99_ms > 100


def test_partitions_bound_the_replicas() -> None:
    """More replicas than partitions have nothing to do, so that the topic is what must grow."""
    outcome = simulate(Plan(rate=3000, partitions=2, accounts=500, seconds=1), CHEAP)

    assert outcome.stages[0].replicas == 2
    assert outcome.breaks_first == "tickets: more replicas than partitions are needed"


def test_the_same_plan_comes_to_the_same() -> None:
    """A simulation can be repeated."""
    plan = Plan(rate=200, partitions=12, accounts=10, seconds=1)

    assert simulate(plan, CHEAP) == simulate(plan, CHEAP)
    assert sum(account_shares(100)) == pytest.approx(1)


def test_costs_are_those_that_were_measured(tmp_path: Path) -> None:
    """The newest figures win, what is not measured is as documented, and the report says where each is from."""
    cost = Cost(cpu_micros=2000, store_round_trips=0.1, bus_round_trips=0.1)
    row = Saturation(
        engines="embedded",
        scenario="tickets",
        replicas=1,
        messages=10,
        pipeline=Throughput(messages_per_second=1, every_run=[1], costs={"tickets": cost}),
    )
    steady = [
        Steady(engines="embedded", rate=rate, cpu_micros=micros) for rate, micros in ((20, 60_000), (100, 12_000))
    ]
    result = Result(
        at="2026-11-22T00:00:00", machine="two", commit="abc", load_average=0, notes={}, saturation=[row], steady=steady
    )
    (tmp_path / "other.json").write_text('{"readings": []}')
    before = measured_costs(tmp_path)
    (tmp_path / "mine.json").write_text(result.model_dump_json())
    after = measured_costs(tmp_path)
    shown = StringIO()
    report(Console(file=shown, width=150), after, [Plan(rate=10, partitions=2, accounts=2, seconds=1)])

    assert before == DOCUMENTED
    assert (after.tickets_micros, after.router_micros) == (2000, DOCUMENTED.router_micros)
    assert (after.batch_micros, after.whole_micros) == (3000, 12_000)
    assert "SIMULATION" in shown.getvalue()
    assert "mine.json" in shown.getvalue()
