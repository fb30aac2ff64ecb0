"""Forgetting a contact (S3): raw mail that never became a message. That of messages is named, and removed, by tickets.

Quarantined mail may name nobody in its sender, so its bytes are searched; each source has a limited share of it.
"""

import asyncio
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from contracts.mail import MailAccepted
from ingest_email.quarantine.quarantine import Quarantine, QuarantinedMail
from service_kit.blobs import BlobMissing, Blobs
from service_kit.bus import DeadLetter
from service_kit.erasure import ErasedContact

_OF_RAW_MAIL = MailAccepted.model_fields["type"].default


class MailErasure:
    """What ingest-email does when a contact is to be forgotten."""

    def __init__(self, quarantine: Quarantine, blobs: Blobs) -> None:
        self._quarantine = quarantine
        self._blobs = blobs

    async def forget(self, contact: ErasedContact) -> int:
        """Remove what is quarantined and mentions one of their addresses; how many mails that was."""
        wanted = frozenset(address for address in contact.addresses if "@" in address)
        if not wanted:
            return 0
        kept = await self._quarantine.of_account(contact.account_id)
        found = [one for one in kept if one.received_at <= contact.at and await self._is_about(one, wanted)]
        gone = {mail.id for mail in found}
        still_kept = {mail.blob_key for mail in kept if mail.id not in gone}
        # The raw mail of a message is tickets' to remove.
        for key in {mail.blob_key for mail in found if mail.message_id is None} - still_kept:
            await self._blobs.delete(key)
        await self._quarantine.drop(found)
        return len(found)

    async def buried(self, letters: Sequence[DeadLetter]) -> None:
        """Remove the raw mail behind dead letters that are gone."""
        for letter in letters:
            body = json.loads(letter.value)
            if body.get("type") == _OF_RAW_MAIL and isinstance(key := body.get("raw_blob_key"), str):
                await self._blobs.delete(key)

    async def _is_about(self, mail: QuarantinedMail, wanted: AbstractSet[str]) -> bool:
        if mail.message_id is not None:
            return mail.sender.lower() in wanted
        try:
            raw = await self._blobs.get(mail.blob_key)
        except BlobMissing:
            return False
        return await asyncio.to_thread(_any_in, [address.encode() for address in sorted(wanted)], raw)


def _any_in(wanted: Sequence[bytes], raw: bytes) -> bool:
    lower = raw.lower()
    return any(one in lower for one in wanted)
