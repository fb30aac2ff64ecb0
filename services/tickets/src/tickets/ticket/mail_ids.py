"""Message-IDs and reply addresses: how they are compared, and those that are ours (X2, X8).

Ours name their ticket, and say so by signature.
"""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass

from service_kit.signing import Signer

_MAX_ID_CHARACTERS = 998
_MAX_LOCAL_PART = 64
_AROUND = "<>" + string.whitespace
"""Off at once: taken off in turns, a cleaned id could be cleaned further and would no longer equal itself."""
_OURS = re.compile(r"tic\.([0-9a-f]{24})\.([0-9a-f]{24})\.([a-z2-7]{16})@.+", re.IGNORECASE)
_TOKEN = re.compile(r"([0-9a-f]{24})\.([a-z2-7]{16})", re.IGNORECASE)


def clean_ids(ids: Iterable[str | None]) -> tuple[str, ...]:
    """Message-IDs as they are compared: without brackets and blanks, each once, and never an empty one."""
    cleaned = ((mail_id or "").strip(_AROUND) for mail_id in ids)
    return tuple(dict.fromkeys(mail_id[:_MAX_ID_CHARACTERS] for mail_id in cleaned if mail_id))


def scoped(account_id: str, mail_id: str) -> str:
    """A Message-ID as it is stored: senders choose them, so that two accounts may well hold the same."""
    return f"{account_id}/{mail_id}"


def without_plus(address: str) -> str:
    """The address that people know: lower case, without the plus part."""
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


@dataclass(frozen=True, slots=True)
class OwnMail:
    """What one of our Message-IDs names."""

    ticket_id: str
    message_id: str


class SignedIds:
    """Writes and reads what only we can have written. Ids stand without their prefixes, to keep addresses short."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def message_id(self, account_id: str, ticket_id: str, message_id: str, domain: str) -> str:
        """The Message-ID of an outgoing mail."""
        ticket, message = _bare(ticket_id), _bare(message_id)
        signature = self._signer.sign("message-id", account_id, ticket, message)
        return f"tic.{ticket}.{message}.{signature}@{domain}"

    def read_message_id(self, account_id: str, mail_id: str) -> OwnMail | None:
        """What a Message-ID names, if it is one of ours in this account."""
        found = _OURS.fullmatch(mail_id)
        if found is None:
            return None
        ticket, message, signature = (part.lower() for part in found.groups())
        if not self._signer.verify(signature, "message-id", account_id, ticket, message):
            return None
        return OwnMail(f"tic_{ticket}", f"msg_{message}")

    def reply_address(self, account_id: str, ticket_id: str, address: str) -> str | None:
        """`address` with a token for the ticket; None where that would make it too long for a mail server."""
        ticket = _bare(ticket_id)
        local, _, domain = address.rpartition("@")
        tagged = f"{local}+{ticket}.{self._signer.sign('reply-to', account_id, ticket)}"
        return f"{tagged}@{domain}" if local and len(tagged) <= _MAX_LOCAL_PART else None

    def read_token(self, account_id: str, token: str | None) -> str | None:
        """The ticket that a plus part names, if the token is ours in this account."""
        found = _TOKEN.fullmatch((token or "").strip())
        if found is None:
            return None
        ticket, signature = (part.lower() for part in found.groups())
        return f"tic_{ticket}" if self._signer.verify(signature, "reply-to", account_id, ticket) else None


def _bare(prefixed_id: str) -> str:
    return prefixed_id.partition("_")[2]
