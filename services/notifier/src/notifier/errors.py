"""How a sending can fail."""

from service_kit.errors import PermanentError, TransientError


class Deferred(TransientError):
    """The other side, or the way to it, says "later"."""


class Refused(PermanentError):
    """The other side will never take this message; the text is its own reason."""

    code = "refused"
