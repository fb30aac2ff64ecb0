"""How many mails one stranger may offer within a minute. Pure."""

from collections import Counter
from datetime import datetime, timedelta

_WINDOW = timedelta(minutes=1)


class Pace:
    """Counts in windows of a minute; what it remembers is one number for each peer of the last one."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._since: datetime | None = None
        self._counts: Counter[str] = Counter()

    def take(self, peer: str, now: datetime) -> bool:
        """Count one more mail of `peer`, unless that is one too many."""
        if self._since is None or not timedelta(0) <= now - self._since < _WINDOW:
            self._since = now
            self._counts.clear()
        if self._counts[peer] >= self._per_minute:
            return False
        self._counts[peer] += 1
        return True
