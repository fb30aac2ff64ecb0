"""Mean, median and percentiles. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """What is said of many durations; None where there are none."""

    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None


def summarise(values: Iterable[float]) -> Summary:
    """Of all values at once: percentiles cannot be made from those of parts."""
    ordered = sorted(values)
    if not ordered:
        return Summary(None, None, None, None)
    return Summary(
        mean=round(math.fsum(ordered) / len(ordered), _DECIMALS),
        median=percentile(ordered, 0.5),
        p90=percentile(ordered, 0.9),
        p95=percentile(ordered, 0.95),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the others lie, interpolated between its neighbours.

    Raises:
        ValueError: there are no values, or the share is not between 0 and 1.
    """
    if not ordered or not 0 <= share <= 1:
        raise ValueError("a percentile needs values, and a share from 0 to 1")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (place - below) * (ordered[above] - ordered[below]), _DECIMALS)
