"""Mail of our own that came back: a forward to ourselves, a list that sends us our answer."""

import re

from service_kit.signing import Signer

_OURS = re.compile(r"tic\.([0-9a-f]{24})\.([0-9a-f]{24})\.([a-z2-7]{16})@.+", re.IGNORECASE)
"""`tic.<ticket>.<message>.<signature>@…`: what tickets signs for outgoing mail, purpose `message-id`."""


def is_signed_by_us(signer: Signer, account_id: str, mail_id: str | None) -> bool:
    """Whether a Message-ID is one that this installation gave to a mail of this account."""
    found = _OURS.fullmatch(mail_id or "")
    if found is None:
        return False
    ticket, message, signature = (part.lower() for part in found.groups())
    return signer.verify(signature, "message-id", account_id, ticket, message)
