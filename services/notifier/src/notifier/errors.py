"""How a sending can fail."""

from service_kit.errors import PermanentError, TransientError


class Deferred(TransientError):
    """The other side, or the way to it, says "later".

    `in_doubt`: the way broke after the message was on it, and the other side may have taken it all the same.
    """

    def __init__(self, reason: str, *, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.in_doubt = in_doubt


class Refused(PermanentError):
    """The other side will never take this message; the text is its own reason."""

    code = "refused"
