"""How much of what a socket was given the visitor has surely received. Pure; moments are seconds of any one clock.

A phone that lost its network takes no more, and the socket looks well for as long as nobody answers a ping: what was
sent in that time must not count as seen (W4).
"""

from collections import deque

SURE_AFTER_SECONDS = 45.0
"""The server pings every 20 s and gives up 20 s later, so a socket that is still there has received what is older."""


class Sightings:
    """Of one socket, beginning with the last number that the visitor said to have."""

    def __init__(self, seq: int) -> None:
        self._sure = self._last = seq
        self._given: deque[tuple[float, int]] = deque()

    def given(self, seq: int, at: float) -> None:
        """Everything up to `seq` was sent."""
        self._sure = self.sure(at)
        while self._given and self._given[0][1] <= self._sure:
            self._given.popleft()
        if seq > self._last:
            self._last = seq
            self._given.append((at, seq))

    def spoke(self) -> None:
        """The visitor wrote, so what was sent before has arrived."""
        self._sure = self._last
        self._given.clear()

    def sure(self, at: float) -> int:
        """The last number that has surely arrived."""
        return max((seq for sent, seq in self._given if at - sent >= SURE_AFTER_SECONDS), default=self._sure)
