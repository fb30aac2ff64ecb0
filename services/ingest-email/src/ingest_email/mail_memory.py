"""How much of the mail that is arriving may be in memory at once, over all connections."""


class MailMemory:
    """A budget of bytes; what was reserved must be released."""

    def __init__(self, limit_bytes: int) -> None:
        self._free = limit_bytes

    def reserve(self, size: int) -> bool:
        """Take `size` bytes, if there are as many."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def release(self, size: int) -> None:
        """Give `size` bytes back."""
        self._free += size
