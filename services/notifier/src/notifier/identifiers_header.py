"""Headers of identifiers and links: none of them is ever encoded or broken, however long it is."""

from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.policy import SMTP, Policy


class IdentifiersHeader(UnstructuredHeader, BaseHeader):
    """One identifier on a line (RFC 5322, section 3.6.4).

    The standard library takes these headers for text and encodes words longer than a line, as all our own
    identifiers are: no mail program finds its thread by those.
    """

    def fold(self, *, policy: Policy) -> str:
        """The header as it travels."""
        return f"{self.name}: " + f"{policy.linesep} ".join(self.split()) + policy.linesep


_headers = HeaderRegistry()
for _name in ("message-id", "in-reply-to", "references", "list-unsubscribe"):
    _headers.map_to_type(_name, IdentifiersHeader)

MAIL_POLICY = SMTP.clone(header_factory=_headers, cte_type="7bit")
