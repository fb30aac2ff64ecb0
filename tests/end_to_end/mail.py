"""Customers' mail, written and handed over as any mail program would."""

import itertools
import smtplib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

_numbers = itertools.count(1)
_UNBROKEN = SMTP.clone(max_line_length=998)
"""Mail programs do not encode long identifiers, as Python does by default."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail; `message_id` is without brackets, as the ledger names it. `headers` are added as they are."""

    sender: str
    recipient: str
    subject: str = "A question"
    text: str = "Hello, where is my order?"
    headers: dict[str, str] = field(default_factory=dict)
    message_id: str = field(
        default_factory=lambda: f"e2e.{next(_numbers)}.{datetime.now(UTC).timestamp()}@mail.example"
    )

    def content(self) -> bytes:
        """The mail as it travels."""
        mail = EmailMessage(policy=_UNBROKEN)
        mail["From"] = self.sender
        mail["To"] = self.recipient
        mail["Subject"] = self.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{self.message_id}>"
        for name, value in self.headers.items():
            mail[name] = value
        mail.set_content(self.text)
        return mail.as_bytes()


def hand_over(port: int, sender: str, recipient: str, content: bytes) -> tuple[int, bytes]:
    """Give a mail to the system; its answer to the end of data.

    Raises:
        smtplib.SMTPException: it was refused.
    """
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        smtp.ehlo()
        code, answer = smtp.mail(sender)
        if code >= 400:
            raise smtplib.SMTPSenderRefused(code, answer, sender)
        code, answer = smtp.rcpt(recipient)
        if code >= 400:
            raise smtplib.SMTPRecipientsRefused({recipient: (code, answer)})
        return smtp.data(content)
