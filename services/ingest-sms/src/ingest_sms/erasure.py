"""Forgetting a contact (S3): senders, consents and what was set aside of them.

A stop outlives the person's data, as the hash of account and number that names its document: without it the next
import of consents would have them written to again, which is what they objected to (M5).
"""

from collections.abc import Sequence

from ingest_sms.model import Correspondent, NumberConsentCopy, QuarantinedWebhook
from ingest_sms.store import SmsStore, phone_id
from service_kit.docstore import Fate
from service_kit.erasure import ErasedContact
from service_kit.errors import TransientError


class SmsErasure:
    """What ingest-sms does when a contact is to be forgotten."""

    def __init__(self, store: SmsStore) -> None:
        self._store = store

    async def forget(self, contact: ErasedContact) -> int:
        """Remove what is known of their numbers; how many documents that was."""
        ids = [phone_id(contact.account_id, phone) for phone in contact.identities.phones]
        consents = list((await self._store.consents(ids)).values())
        stops, others = _apart([one for one in consents if one.contact_version <= contact.contact_version])
        senders: Sequence[Correspondent] = list((await self._store.correspondents(ids)).values())
        set_aside = await self._set_aside(contact)
        fates = [
            *(await self._store.save_consents([one.model_copy(update={"phone": ""}) for one in stops])),
            *(await self._store.forget(others, senders, set_aside)),
        ]
        if any(fate is not Fate.DONE for fate in fates):
            raise TransientError("what is known of these numbers kept changing under us")
        return len(fates)

    async def _set_aside(self, contact: ErasedContact) -> Sequence[QuarantinedWebhook]:
        found = await self._store.quarantined(contact.account_id)
        return [
            webhook
            for webhook in found
            if webhook.received_at <= contact.at and not contact.addresses.isdisjoint(webhook.parameters.values())
        ]


def _apart(
    consents: Sequence[NumberConsentCopy],
) -> tuple[Sequence[NumberConsentCopy], Sequence[NumberConsentCopy]]:
    """The stops that name their number still, and those that nobody stopped."""
    stops = [one for one in consents if one.is_stopped and one.phone]
    return stops, [one for one in consents if not one.is_stopped]
