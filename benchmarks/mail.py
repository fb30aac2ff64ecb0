"""Everything that is measured of mail: accepting against a bare server, parsing, and how soon a mail is a ticket."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.engine_sets import EngineSet
from benchmarks.mail_accept import measure_accepting
from benchmarks.mail_figures import Accepting, MailMeasured, Parsing, Visible, accepting, parsing, visible
from benchmarks.mail_parse import measure_parsing
from benchmarks.mail_visible import measure_visible

Tell = Callable[[str], None]

MAIL_PARTS = ("accept", "parse", "visible")

_WORKERS = (1, 2)
_RATE = 50.0


@dataclass(frozen=True, slots=True)
class MailEffort:
    """How much is measured of each."""

    accepted: int = 3_000
    parsed: int = 3_000
    repeats: int = 3
    seconds: float = 30.0


QUICK_MAIL = MailEffort(accepted=400, parsed=300, repeats=1, seconds=5.0)
"""Half a minute or so; figures to see that all of it works."""


def measure_mail(engines: EngineSet, parts: Sequence[str], effort: MailEffort, tell: Tell) -> MailMeasured:
    """Those of `MAIL_PARTS` that are asked for."""
    return MailMeasured(
        accepting=_accepting(engines, effort, tell) if "accept" in parts else None,
        parsing=_parsing(effort, tell) if "parse" in parts else [],
        visible=_visible(engines, effort, tell) if "visible" in parts else None,
    )


def _accepting(engines: EngineSet, effort: MailEffort, tell: Tell) -> Accepting:
    return accepting(effort.accepted, asyncio.run(measure_accepting(engines, effort.accepted, effort.repeats, tell)))


def _parsing(effort: MailEffort, tell: Tell) -> list[Parsing]:
    measured = []
    for workers in _WORKERS:
        tell(f"parsing, processes: {workers}")
        measured.append(parsing([measure_parsing(workers, effort.parsed) for _ in range(effort.repeats)]))
    return measured


def _visible(engines: EngineSet, effort: MailEffort, tell: Tell) -> Visible:
    return visible(asyncio.run(measure_visible(engines, _RATE, effort.seconds, tell)))
