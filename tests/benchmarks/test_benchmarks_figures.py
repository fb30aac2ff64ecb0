"""What runs come to: percentiles, medians, ratios, and what is said about the aims."""

from io import StringIO
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from benchmarks.figures import Cost, Result, Saturation, Steady, Throughput, percentile, targets, throughput
from benchmarks.plot import plot
from benchmarks.tables import print_result
from rich.console import Console


def _throughput(rate: float, calls: float = 0.04) -> Throughput:
    cost = Cost(cpu_micros=900, store_round_trips=calls, bus_round_trips=0.01)
    return Throughput(messages_per_second=rate, every_run=[rate], costs={"tickets": cost})


def _result(*, rate: float, p99_ms: float) -> Result:
    measured = Saturation(
        engines="embedded",
        scenario="tickets",
        replicas=1,
        messages=1000,
        pipeline=_throughput(rate),
        floor=_throughput(1000.0),
    )
    missing = Saturation(engines="kafka", scenario="tickets", replicas=1, messages=1, not_measured="no Kafka here")
    return Result(
        at="2026-11-22T00:00:00+00:00",
        machine="two processors",
        commit="abc",
        load_average=1.0,
        notes={"embedded": "Valkey, SQLite"},
        saturation=[measured, missing],
        steady=[Steady(engines="embedded", rate=100, sent=10, assigned=10, p50_ms=20, p99_ms=p99_ms)],
    )


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 5), (90, 9), (99, 10), (100, 10)])
def test_a_percentile_is_a_value_that_occurred(percent: float, expected: float) -> None:
    """Nearest rank: no value between two measured ones is made up."""

    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_a_percentile_of_nothing_is_refused(values: list[float], percent: float) -> None:
    """A figure without measurements behind it never comes out."""

    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


def test_one_slow_run_does_not_move_the_figure() -> None:
    """Rates and costs are medians of the runs, each by itself."""
    costs = [
        {"tickets": Cost(cpu_micros=micros, store_round_trips=0.1, bus_round_trips=0.2)} for micros in (900, 1000, 9000)
    ]

    measured = throughput([400.0, 20.0, 390.0], costs)

    assert measured.messages_per_second == 390.0
    assert measured.costs["tickets"].cpu_micros == 1000
    assert measured.every_run == [400.0, 20.0, 390.0]


@pytest.mark.parametrize(("rate", "p99_ms", "expected"), [(500.0, 150.0, True), (499.0, 151.0, False)])
def test_aims_are_judged_at_their_limits(rate: float, p99_ms: float, expected: bool) -> None:  # noqa: FBT001 - a column
    """Half of the floor and 150 ms are met at the limit and not beyond; what was not measured is not judged."""
    judged = targets(_result(rate=rate, p99_ms=p99_ms))

    assert [(target.aim, target.is_met) for target in judged] == [
        ("≥ 0.50", expected),
        ("≤ 0.05", True),
        ("≤ 150 ms", expected),
    ]


def test_the_tables_say_why_something_is_missing() -> None:
    """A row that could not be measured gives its reason instead of a figure."""
    console = Console(file=StringIO(), width=200)

    print_result(console, _result(rate=600.0, p99_ms=99.0))
    text = console.file.getvalue()  # type: ignore[attr-defined]

    assert "not measured: no Kafka here" in text
    assert "0.60" in text


def test_bars_are_as_long_as_their_figures() -> None:
    """The picture begins at zero: a figure half as large has a bar half as long."""
    root = ET.fromstring(plot(_result(rate=500.0, p99_ms=40.0)))  # noqa: S314 - our own text
    bars = [float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect") if "x" in bar.attrib]
    ratios = [first / second for first, second in pairwise(bars)]

    assert ratios[0] == pytest.approx(0.5, abs=0.01)
    assert ratios[2] == pytest.approx(0.5, abs=0.01)
