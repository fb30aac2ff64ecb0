"""A clock that tests move."""

from datetime import datetime, timedelta


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock shows aware moments")
        self._now = now

    def now(self) -> datetime:
        """The moment it was last moved to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on by so much; backwards too, as real clocks do."""
        self._now += by

    def move_to(self, moment: datetime) -> None:
        """Jump to a moment."""
        self._now = moment
