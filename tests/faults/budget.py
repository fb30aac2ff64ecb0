"""How much is sent: budgets that everybody who sends draws from."""

from typing import Protocol


class Budget(Protocol):
    """Says when to stop."""

    @property
    def is_spent(self) -> bool:
        """Whether nothing more is to be sent."""

    def take(self) -> bool:
        """Take one; False when nothing is left."""


class Amount:
    """So many and no more, or fewer if somebody says that it is enough."""

    def __init__(self, left: int) -> None:
        self._left = left

    @property
    def is_spent(self) -> bool:
        """Whether all were taken."""
        return self._left <= 0

    def take(self) -> bool:
        """Take one."""
        if self.is_spent:
            return False
        self._left -= 1
        return True

    def end(self) -> None:
        """It is enough."""
        self._left = 0


class Endless:
    """Until somebody says that it is enough."""

    def __init__(self) -> None:
        self._is_spent = False

    @property
    def is_spent(self) -> bool:
        """Whether it was said."""
        return self._is_spent

    def take(self) -> bool:
        """Take one."""
        return not self._is_spent

    def end(self) -> None:
        """It is enough."""
        self._is_spent = True
