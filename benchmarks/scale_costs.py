"""What a message costs, for the simulation: from the newest results of `make bench`, else as they are documented."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from benchmarks.figures import Result

_HANDLINGS = 12
"""How often a message is handled by all services together (docs/architecture/performance.md)."""
_BOTH = {"tickets", "router"}


class Costs(BaseModel):
    """Processor time in microseconds: a message in a full batch, and what a batch costs however small it is.

    `whole_micros` is all seven services together for a message that opens a ticket, by a real door, in small batches.
    """

    source: str
    tickets_micros: float
    router_micros: float
    batch_micros: float
    whole_micros: float


DOCUMENTED = Costs(
    source="docs/architecture/performance.md (two processors, embedded engines)",
    tickets_micros=1692,
    router_micros=641,
    batch_micros=52_000 / _HANDLINGS - 1692,
    whole_micros=15_000,
)


def measured_costs(folder: Path) -> Costs:
    """The costs by the newest results that hold saturation and steady rates; the documented ones where they lack."""
    results = sorted(_results(folder), key=lambda result: result[1].at, reverse=True)
    found = DOCUMENTED.model_dump()
    sources = []
    for name, result in reversed(results):
        if figures := _figures(result):
            found |= figures
            sources.append(name)
    if sources:
        found["source"] = f"benchmarks/results: {', '.join(sources)}; what they lack: {DOCUMENTED.source}"
    return Costs.model_validate(found)


def _results(folder: Path) -> Iterator[tuple[str, Result]]:
    for file in sorted(folder.glob("*.json")):
        try:
            yield file.name, Result.model_validate_json(file.read_text())
        except ValidationError:
            continue  # another kind of result: reading, assignment


def _figures(result: Result) -> dict[str, float]:
    """What one result says; of embedded engines, where both services and all rates are measured."""
    found: dict[str, float] = {}
    for row in result.saturation:
        costs = row.pipeline.costs if row.pipeline is not None and row.engines == "embedded" else {}
        if costs.keys() == {"tickets"}:
            found["tickets_micros"] = costs["tickets"].cpu_micros
        if costs.keys() == _BOTH:
            found["router_micros"] = costs["router"].cpu_micros
    steady = [row for row in result.steady if row.engines == "embedded" and row.cpu_micros is not None]
    if steady:
        slowest, fastest = min(steady, key=lambda row: row.rate), max(steady, key=lambda row: row.rate)
        tickets = found.get("tickets_micros", DOCUMENTED.tickets_micros)
        found["batch_micros"] = max(0.0, (slowest.cpu_micros or 0) / _HANDLINGS - tickets)
        found["whole_micros"] = fastest.cpu_micros or DOCUMENTED.whole_micros
    return found
