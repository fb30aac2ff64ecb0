"""Why a mailbox cannot be read now, as stable codes. Every one of them may pass: a mailbox is never given up."""

from typing import Literal

from service_kit.errors import TransientError

FailureCode = Literal[
    "forbidden_address",
    "cannot_connect",
    "tls_failed",
    "login_refused",
    "token_server_unavailable",
    "token_refused",
    "authorization_ended",
    "no_such_folder",
    "folder_unsteady",
    "answer_too_large",
    "protocol_error",
    "connection_lost",
    "timed_out",
    "unavailable",
    "internal",
]
"""Public contract: what people and alarms see of a mailbox's last error. `unavailable` and `internal` are our own."""


class ImapFailure(TransientError):
    """The mailbox cannot be read now."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code)
        self.code = code


class AnswerTooLarge(ImapFailure):
    """The server sent more than a command may cost; what it said last is not known, so the connection is over."""

    def __init__(self) -> None:
        super().__init__("answer_too_large")
