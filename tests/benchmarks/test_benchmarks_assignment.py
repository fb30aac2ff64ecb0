"""What the benchmarks of assignment come to, and that they measure what they say."""

from io import StringIO

import pytest
from benchmarks.assignment_drain import DrainRun
from benchmarks.assignment_figures import (
    AssignmentResult,
    Measured,
    Policy,
    assignment_targets,
    drain,
    latency,
    print_assignment,
)
from benchmarks.assignment_policy import decisions_per_second
from rich.console import Console


@pytest.mark.parametrize("strategy", ["round_robin", "least_loaded"])
def test_the_policy_is_really_asked(strategy: str) -> None:
    """Every ticket gets an agent, or the measurement stops: a rate comes out of decisions only."""

    assert decisions_per_second(strategy, 60) > 0


def test_a_drain_is_a_rate_in_units_of_its_floor() -> None:
    """Medians of each mode, by wall and by processor time."""
    runs = [
        DrainRun("pipeline", 10.0, 8.0),
        DrainRun("floor", 5.0, 4.0),
        DrainRun("floor", 4.0, 4.0),
        DrainRun("pipeline", 8.0, 8.0),
        DrainRun("pipeline", 90.0, 8.0),
        DrainRun("floor", 5.0, 5.0),
    ]

    found = drain(1000, runs)

    assert (found.pipeline, found.floor, found.ratio, found.cpu_ratio) == (100.0, 200.0, 0.5, 0.5)
    assert found.pipeline_runs == [100.0, 125.0, 11.1]


def test_every_aim_is_compared_with_what_was_measured() -> None:
    """What misses its aim is said to."""
    measured = Measured(
        policy=[Policy(strategy="round_robin", agents=200, teams=50, per_second=9_999.0)],
        drain=drain(1000, [DrainRun("pipeline", 2.0, 1.0), DrainRun("floor", 1.0, 1.0)]),
        latency=[latency("agent online", [0.1] * 98 + [1.5] * 2), latency("hours open", [0.3])],
    )
    shown = StringIO()
    result = AssignmentResult(at="now", machine="two", commit="abc", load_average=1.0, measured=measured)
    print_assignment(Console(file=shown, width=150), result)

    assert [target.is_met for target in assignment_targets(measured)] == [False, True, False, True]
    assert "1500 ms" in shown.getvalue()
