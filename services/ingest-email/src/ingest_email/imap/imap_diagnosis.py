"""What an error of the library, of TLS or of the socket says about a mailbox."""

import imaplib
import ssl

from imapclient.exceptions import CapabilityError, LoginError  # type: ignore[import-untyped]  # it has no types

from ingest_email.imap.imap_failure import FailureCode, ImapFailure

_PASSING_REFUSALS = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]")
"""Codes of RFC 5530 with which a server says that the password is not to blame."""


def failure_of(error: Exception) -> ImapFailure:
    """What an error of the library, the socket or TLS means. Nothing of the server's words is kept."""
    return error if isinstance(error, ImapFailure) else ImapFailure(_code_of(error))


def _code_of(error: Exception) -> FailureCode:
    match error:
        case LoginError():
            return _refusal(error)
        case imaplib.IMAP4.abort():
            return "protocol_error" if "unexpected" in str(error) else "connection_lost"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
            return "connection_lost"
        case ssl.SSLError() | CapabilityError():  # STARTTLS is the one capability that is asked for unseen
            return "tls_failed"
        case OSError():
            return "connection_lost"
        case _:
            return "protocol_error"


def _refusal(error: LoginError) -> FailureCode:
    """The library says every end of a login alike; what it was is in the text, and in what it came from."""
    if isinstance(error.__context__, imaplib.IMAP4.abort | OSError):
        return "connection_lost"
    said = str(error).upper()
    return "cannot_connect" if any(code in said for code in _PASSING_REFUSALS) else "login_refused"
