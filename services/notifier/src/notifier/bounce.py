"""What a bounce or a refusal means for later mail: which are for good, and how that is said. Pure."""

import re

from contracts.mail import MailBounced
from notifier.model import Suppression
from notifier.relay_answer import RelayAnswer

_CODE = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""RFC 3463, 7505: no such mailbox or domain, moved, takes no mail, disabled. Full mailboxes and policies may change."""


def is_for_good(bounce: MailBounced) -> bool:
    """Whether no mail will ever reach the address; some servers say so in their words only, below a general status."""
    codes = {bounce.status, *_CODE.findall(bounce.diagnostic or "")}
    return not codes.isdisjoint(_NO_SUCH_ADDRESS)


def is_refused_for_good(answer: RelayAnswer) -> bool:
    """The same of a relay's answer about one recipient: by the code in front only (RFC 2034), what follows is prose."""
    code = _CODE.match(answer.text.lstrip())
    return answer.is_final and code is not None and code[0] in _NO_SUCH_ADDRESS


def reason_of(bounce: MailBounced) -> str:
    """What to show."""
    return f"bounced: {bounce.diagnostic or bounce.status or 'no reason given'}"


def refusal(suppression: Suppression) -> str:
    """Why a mail is not even tried, and what somebody who knows better can do."""
    day = suppression.created_at.date().isoformat()
    return (
        f"{suppression.address} is suppressed since {day} ({suppression.reason}); "
        f"DELETE /v1/suppressions/{suppression.address} lets mail through again"
    )
