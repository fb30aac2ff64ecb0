"""The mail relay behind the system: takes what leaves, and refuses what it is told to."""

import email.policy
from email import message_from_bytes
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller

from end_to_end.until import until

REFUSED = "550 5.1.1 no such mailbox"


class Relay:
    """An SMTP server of the test. Recipients whose address begins with `refused` are refused for good."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._taken: list[tuple[str, list[str], bytes]] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - the library finds hooks by these names
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address.startswith("refused"):
            return REFUSED
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - see above
        """Keep a mail."""
        self._taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 OK"

    def mails_to(self, recipient: str) -> list[EmailMessage]:
        """What was taken for a recipient, in order."""
        return [message_from_bytes(content, policy=email.policy.default) for content in self.contents_to(recipient)]

    def contents_to(self, recipient: str) -> list[bytes]:
        """The same as it came over the wire."""
        return [content for _, recipients, content in self._taken if recipient in recipients]

    def contents_from(self, sender: str) -> list[bytes]:
        """What was taken from a sender, in order."""
        return [content for by, _, content in self._taken if by == sender]

    def wait_for(self, recipient: str, count: int = 1) -> list[EmailMessage]:
        """The mails for a recipient, once there are `count`."""
        return until(lambda: mails if len(mails := self.mails_to(recipient)) >= count else [])
