"""How often one mail may fail before the others are taken past it."""

_TRIES = 10
"""With the pauses between them some minutes: a server that is unwell has gone by then, a broken mail has not."""


class Patience:
    """Counts the failures of one mail in a row."""

    def __init__(self) -> None:
        self._uid = 0
        self._failures = 0

    def is_over(self, uid: int) -> bool:
        """Note that fetching this mail failed; whether that was once too often."""
        self._failures = self._failures + 1 if uid == self._uid else 1
        self._uid = uid
        return self._failures >= _TRIES
