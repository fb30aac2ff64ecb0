"""Everything that is measured of assignment: the pure policy, a backlog against its floor, and how long one waits."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import get_args

from benchmarks.assignment_drain import measure_drain
from benchmarks.assignment_figures import Drain, Latency, Measured, Policy, drain, latency
from benchmarks.assignment_latency import measure_latency
from benchmarks.assignment_policy import AGENTS, TEAMS, Strategy, decisions_per_second
from benchmarks.engine_sets import EngineSet

Tell = Callable[[str], None]

PARTS = ("policy", "drain", "waits")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured of each."""

    decisions: int = 20_000
    repeats: int = 3
    backlog: int = 10_000
    rounds: int = 200
    offices: int = 5
    minutes: int = 4

    @property
    def beside_a_broker(self) -> "Effort":
        """Not more than a few minutes of waits, where each takes several times as long."""
        return replace(self, rounds=min(self.rounds, 60), minutes=min(self.minutes, 1))


QUICK = Effort(decisions=3_000, repeats=1, backlog=500, rounds=15, offices=3, minutes=1)
"""Two minutes or so; figures to see that all of it works."""


def measure_assignment(engines: EngineSet, parts: Sequence[str], effort: Effort, tell: Tell) -> Measured:
    """Those of `PARTS` that are asked for."""
    return Measured(
        policy=_policy(effort, tell) if "policy" in parts else [],
        drain=_drain(engines, effort, tell) if "drain" in parts else None,
        latency=_waits(engines, effort, tell) if "waits" in parts else [],
    )


def _policy(effort: Effort, tell: Tell) -> list[Policy]:
    """Each strategy several times; medians."""
    policies = []
    for strategy in get_args(Strategy):
        tell(f"policy, {strategy}")
        rates = [decisions_per_second(strategy, effort.decisions, seed=number) for number in range(effort.repeats)]
        policies.append(Policy(strategy=strategy, agents=AGENTS, teams=TEAMS, per_second=median(rates)))
    return policies


def _drain(engines: EngineSet, effort: Effort, tell: Tell) -> Drain:
    """A backlog worked off, and its floor."""
    return drain(effort.backlog, asyncio.run(measure_drain(engines, effort.backlog, effort.repeats, tell)))


def _waits(engines: EngineSet, effort: Effort, tell: Tell) -> list[Latency]:
    """From "agent online" and "hours open" to the first assignment."""
    effort = effort if engines.is_a_folder else effort.beside_a_broker
    online, opened = asyncio.run(measure_latency(engines, effort.rounds, effort.offices, effort.minutes, tell))
    return [latency("agent online", online), latency("hours open", opened)]
