"""How long a subscription waits before it tries again."""

from dataclasses import dataclass

_MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Patience:
    """Exponential backoff between attempts, and the pause before a halted subscription starts over.

    The defaults keep eight attempts within 12 s: below the grace that stopping gives to handlers in flight.
    """

    first_seconds: float = 0.1
    longest_seconds: float = 5.0
    restart_seconds: float = 15.0

    def __post_init__(self) -> None:
        """Refuse delays that would spin or never end."""
        if not 0 < self.first_seconds <= self.longest_seconds or self.restart_seconds <= 0:
            raise ValueError("delays must be positive, and the first no longer than the longest")

    def delay(self, attempt: int, jitter: float) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1).

        `jitter` in [0, 1) picks from the upper half of the range: consumers spread, and none retries at once.
        """
        ceiling: float = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
        return ceiling * (1 + jitter) / 2
