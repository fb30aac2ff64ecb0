"""How many connections there may be at once, in all and of one address."""

from collections import Counter


class Seats:
    """Counts; whoever gets a seat must give it back."""

    def __init__(self, *, total: int, per_peer: int) -> None:
        self._total = total
        self._per_peer = per_peer
        self._taken: Counter[str] = Counter()

    def take(self, peer: str) -> bool:
        """Take a seat for `peer`, if there is one."""
        if self._taken.total() >= self._total or self._taken[peer] >= self._per_peer:
            return False
        self._taken[peer] += 1
        return True

    def give_back(self, peer: str) -> None:
        """Free a seat that `peer` had."""
        self._taken[peer] -= 1
        if self._taken[peer] <= 0:
            del self._taken[peer]
