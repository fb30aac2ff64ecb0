"""What a record carries when it is set aside: the same key and value, and headers that say why."""

from dataclasses import dataclass, replace
from datetime import timedelta

from service_kit.bus.record import Record

DEAD_LETTER_RETENTION = timedelta(days=30)

_PREFIX = "dlq_"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a record will never be handled: a stable reason, the error's type name, how often it was tried."""

    reason: str
    error: str
    attempts: int


def condemn(record: Record, verdict: Verdict, *, topic: str, group: str) -> Record:
    """The dead letter of a record: key and value unchanged, original headers kept."""
    reasons = {
        "dlq_reason": verdict.reason,
        "dlq_error": verdict.error,
        "dlq_topic": topic,
        "dlq_group": group,
        "dlq_attempts": str(verdict.attempts),
        "dlq_position": record.position,
    }
    return replace(record, headers={**record.headers, **reasons}, position="")


def revive(letter: Record) -> Record:
    """The record as its producer wrote it."""
    headers = {name: text for name, text in letter.headers.items() if not name.startswith(_PREFIX)}
    return replace(letter, headers=headers, position="")
