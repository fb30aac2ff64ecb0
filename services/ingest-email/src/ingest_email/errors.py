"""What can go wrong in this service beyond what its engines report."""

from service_kit.errors import DeskbusError, PermanentError, Unavailable


class MailTooLarge(PermanentError):
    """A mail over the size limit; its sender is told the limit."""

    code = "mail_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the mail is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class MemoryFull(Unavailable):
    """Too many large mails are arriving at once; this one can come again in a moment."""


class CallBroken(Unavailable):
    """The body of a provider's call did not arrive; the provider has the mail still."""


class PortTaken(DeskbusError):
    """Somebody else listens where mail should come in."""


class CertificateUnreadable(DeskbusError):
    """The files that the settings name hold no certificate with its key."""


class ParserUnavailable(Unavailable):
    """No parser process could be started; the mail is not to blame and is tried again."""
