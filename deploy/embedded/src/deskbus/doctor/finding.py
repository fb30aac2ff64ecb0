"""What the doctor finds: how it is with one thing, and what to do where it is not well."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]
"""Public contract of `deskbus doctor --json`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    state: State
    says: str
    do: str = ""


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in order, each text once: what all services suffer from is one trouble."""
    return list(dict.fromkeys(findings))
