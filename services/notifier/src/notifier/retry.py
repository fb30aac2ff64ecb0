"""When a deferred message is tried again. Pure."""

from datetime import datetime, timedelta

_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
_GIVE_UP_AFTER = timedelta(days=5)
"""RFC 5321, section 4.5.4.1: generally at least four to five days."""


def next_attempt_at(attempt: int, first_at: datetime, now: datetime) -> datetime | None:
    """The moment after failed attempt number `attempt` (from 1); None when it has been tried for long enough."""
    if now - first_at >= _GIVE_UP_AFTER:
        return None
    return now + _DELAYS[min(attempt, len(_DELAYS)) - 1]
