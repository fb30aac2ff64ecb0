"""Holds what people did against what the system shows, and says in a sentence each what does not fit. Pure."""

from collections.abc import Iterator

from faults.history import History
from faults.inbound_checks import inbound_violations
from faults.observation import Observation
from faults.outbound_checks import outbound_violations
from faults.ticket_checks import ticket_violations

_MOST_TOLD = 40
"""One broken promise can break hundreds of messages; the first tell enough."""


def violations(history: History, seen: Observation) -> list[str]:
    """Every broken promise, as sentences; empty if the system kept its word."""
    found = list(_all(history, seen))
    return found if len(found) <= _MOST_TOLD else [*found[:_MOST_TOLD], f"… and {len(found) - _MOST_TOLD} more"]


def _all(history: History, seen: Observation) -> Iterator[str]:
    for refusal in history.refusals:
        yield f"refused for good although it was valid: {refusal}"
    for stream, count in seen.dead_letters.items():
        yield f"{count} records were set aside as dead letters in {stream}"
    yield from inbound_violations(history, seen)
    yield from ticket_violations(seen)
    yield from outbound_violations(history, seen)
