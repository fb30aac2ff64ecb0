"""What runs come to: medians, percentiles and ratios. Pure."""

from collections.abc import Sequence
from math import ceil
from statistics import median

from pydantic import BaseModel

SCHEMA = 1


class Cost(BaseModel):
    """What one service spent on one message: processor time, and calls of its ports."""

    cpu_micros: float
    store_round_trips: float
    bus_round_trips: float


class Throughput(BaseModel):
    """Medians over the repeats of one mode."""

    messages_per_second: float
    every_run: list[float]
    costs: dict[str, Cost]

    @property
    def cpu_micros(self) -> float:
        """Of all services together, per message."""
        return sum(cost.cpu_micros for cost in self.costs.values())


class Saturation(BaseModel):
    """Pipeline and floor of one scenario, measured in turn on the same engines."""

    engines: str
    scenario: str
    replicas: int
    messages: int
    pipeline: Throughput | None = None
    floor: Throughput | None = None
    engine_calls_per_message: dict[str, float] = {}
    not_measured: str = ""

    @property
    def ratio(self) -> float | None:
        """Throughput of the pipeline in units of its floor's."""
        if self.pipeline is None or self.floor is None:
            return None
        return self.pipeline.messages_per_second / self.floor.messages_per_second

    @property
    def cpu_ratio(self) -> float | None:
        """Processor time of the floor in units of its pipeline's: what a busy machine distorts least."""
        if self.pipeline is None or self.floor is None:
            return None
        return self.floor.cpu_micros / self.pipeline.cpu_micros

    @property
    def store_round_trips(self) -> float | None:
        """Of the pipeline's services together, per message."""
        if self.pipeline is None:
            return None
        return sum(cost.store_round_trips for cost in self.pipeline.costs.values())


class Steady(BaseModel):
    """Messages through the real doors at one rate; seconds from the door's acknowledgement to the assignment seen."""

    engines: str
    rate: float
    sent: int = 0
    assigned: int = 0
    refused: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    accept_p99_ms: float | None = None
    late_p99_ms: float | None = None
    cpu_micros: float | None = None
    not_measured: str = ""


class Target(BaseModel):
    """What is aimed for, and what was measured."""

    what: str
    aim: str
    measured: str
    is_met: bool | None


class Result(BaseModel):
    """One invocation, as it is written to JSON."""

    schema_version: int = SCHEMA
    at: str
    machine: str
    commit: str
    load_average: float
    notes: dict[str, str]
    saturation: list[Saturation]
    steady: list[Steady]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not exceed.

    Raises:
        ValueError: there are no values, or `percent` is no percentage.
    """
    if not values or not 0 < percent <= 100:  # noqa: PLR2004 - a percentage
        raise ValueError("a percentile needs values, and a percentage above 0")
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def throughput(rates: Sequence[float], costs: Sequence[dict[str, Cost]]) -> Throughput:
    """The medians of several runs."""
    services = costs[0].keys()
    return Throughput(
        messages_per_second=median(rates),
        every_run=[round(rate, 1) for rate in rates],
        costs={service: _median_cost([cost[service] for cost in costs]) for service in services},
    )


def targets(result: Result) -> list[Target]:
    """What the project aims for, row by row that has figures."""
    rows = [target for one in result.saturation if one.replicas == 1 for target in _at_saturation(one)]
    for steady in result.steady:
        limit = 150.0 if steady.engines == "embedded" else 300.0
        if steady.rate == 100 and steady.p99_ms is not None:  # noqa: PLR2004 - the rate that is aimed at
            what = f"{steady.engines}: p99 accepted to assigned at 100 msg/s"
            is_met = steady.p99_ms <= limit
            rows.append(Target(what=what, aim=f"≤ {limit:.0f} ms", measured=f"{steady.p99_ms:.0f} ms", is_met=is_met))
    return rows


def _at_saturation(one: Saturation) -> list[Target]:
    if one.ratio is None or one.store_round_trips is None:
        return []
    rows = [
        Target(
            what=f"{one.engines}, {one.scenario}: share of the floor",
            aim="≥ 0.50",
            measured=f"{one.ratio:.2f}",
            is_met=one.ratio >= 0.5,  # noqa: PLR2004 - as it is aimed
        )
    ]
    if one.pipeline is not None:
        rows += [
            Target(
                what=f"{one.engines}, {one.scenario}: store round trips per message, {service}",
                aim="≤ 0.05",
                measured=f"{cost.store_round_trips:.3f}",
                is_met=cost.store_round_trips <= 0.05,  # noqa: PLR2004 - as it is aimed
            )
            for service, cost in one.pipeline.costs.items()
        ]
    return rows


def _median_cost(costs: Sequence[Cost]) -> Cost:
    return Cost(
        cpu_micros=median(cost.cpu_micros for cost in costs),
        store_round_trips=median(cost.store_round_trips for cost in costs),
        bus_round_trips=median(cost.bus_round_trips for cost in costs),
    )
