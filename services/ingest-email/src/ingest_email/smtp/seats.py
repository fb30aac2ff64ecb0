"""How many connections there may be at once, in all and of one stranger."""

from collections import Counter


class Seats:
    """Counts; whoever gets a seat must give it back. Relays that are known have as many as there are."""

    def __init__(self, *, total: int, per_peer: int) -> None:
        self._total = total
        self._per_peer = per_peer
        self._taken: Counter[str] = Counter()

    def take(self, peer: str, *, is_stranger: bool) -> bool:
        """Take a seat for `peer`, if there is one."""
        if self._taken.total() >= self._total or not self._has_room(peer, is_stranger=is_stranger):
            return False
        self._taken[peer] += 1
        return True

    def move(self, peer: str, to: str, *, is_stranger: bool) -> bool:
        """Let the seat that `peer` had be that of another, if it may have one more."""
        if not self._has_room(to, is_stranger=is_stranger):
            return False
        self.give_back(peer)
        self._taken[to] += 1
        return True

    def give_back(self, peer: str) -> None:
        """Free a seat that `peer` had."""
        self._taken[peer] -= 1
        if self._taken[peer] <= 0:
            del self._taken[peer]

    def _has_room(self, peer: str, *, is_stranger: bool) -> bool:
        return not is_stranger or self._taken[peer] < self._per_peer
