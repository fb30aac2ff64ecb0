"""Mail of our own that came back: a forward to ourselves, a list that sends us our answer."""

import re
from dataclasses import dataclass

from service_kit.signing import Signer

_OURS = re.compile(r"tic\.([0-9a-f]{24})\.([0-9a-f]{24})\.([a-z2-7]{16})@.+", re.IGNORECASE)
"""`tic.<ticket>.<message>.<signature>@…`: what tickets signs for outgoing mail, purpose `message-id`."""


@dataclass(frozen=True, slots=True)
class OwnMail:
    """What one of our Message-IDs names."""

    ticket_id: str
    message_id: str


def signed_by_us(signer: Signer, account_id: str, mail_id: str | None) -> OwnMail | None:
    """What a Message-ID names that this installation gave to a mail of this account; None for every other."""
    found = _OURS.fullmatch(mail_id or "")
    if found is None:
        return None
    ticket, message, signature = (part.lower() for part in found.groups())
    is_ours = signer.verify(signature, "message-id", account_id, ticket, message)
    return OwnMail(f"tic_{ticket}", f"msg_{message}") if is_ours else None
