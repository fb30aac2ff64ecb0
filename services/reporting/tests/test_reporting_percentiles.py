import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.percentiles import Summary, percentile, summarise

DURATIONS = st.lists(st.floats(0, 1e7), min_size=1)


def test_figures_of_a_known_list() -> None:
    """Hand-computed: one to ten, with interpolation between neighbours (R2)."""
    assert summarise(range(1, 11)) == Summary(mean=5.5, median=5.5, p90=9.1, p95=9.55)


def test_one_value_is_every_figure() -> None:
    """A single answer is its own mean, median and percentiles."""
    assert summarise([42.0]) == Summary(42.0, 42.0, 42.0, 42.0)


def test_no_value_has_no_figures() -> None:
    """Nothing is not zero seconds."""
    assert summarise([]) == Summary(None, None, None, None)


@given(DURATIONS)
def test_figures_agree_with_the_standard_library(values: list[float]) -> None:
    """Mean and median are those that everybody else computes."""
    summary = summarise(values)

    assert summary.mean == pytest.approx(statistics.fmean(values), abs=0.001)
    assert summary.median == pytest.approx(statistics.median(values), abs=0.001)


@given(DURATIONS, st.floats(0, 1), st.floats(0, 1))
def test_percentiles_rise_and_stay_within_the_values(values: list[float], one: float, other: float) -> None:
    """A larger share never has a smaller value, and none lies outside."""
    ordered = sorted(values)
    low, high = (percentile(ordered, share) for share in sorted((one, other)))

    assert ordered[0] - 0.001 <= low <= high <= ordered[-1] + 0.001


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1), ([1.0], math.nan)])
def test_percentiles_of_nothing_are_refused(values: list[float], share: float) -> None:
    """A percentile needs values and a share."""
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)
