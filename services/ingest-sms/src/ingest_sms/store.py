"""Every query of ingest-sms."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from contracts.ids import derive_id
from ingest_sms.model import Correspondent, KeywordSeen, NumberConsentCopy, OwnedNumber, QuarantinedWebhook
from service_kit.docstore import CollectionSpec, DocStore, Eq, Fate, Index, Page, Sort
from service_kit.docstore.every_page import every
from service_kit.docstore.saving import save_many
from service_kit.quarantine import QuarantineQuery, as_replayed, note, unreplayed_of

_NUMBERS = CollectionSpec(name="numbers", model=OwnedNumber, indexes=(Index(("account_id",)),))
_CORRESPONDENTS = CollectionSpec(name="correspondents", model=Correspondent)
_CONSENTS = CollectionSpec(name="consents", model=NumberConsentCopy)
_KEYWORDS = CollectionSpec(name="keywords", model=KeywordSeen)
_QUARANTINE = CollectionSpec(
    name="quarantine",
    model=QuarantinedWebhook,
    indexes=(
        Index(("account_id", "source", "replayed_at")),
        Index(("account_id", "received_at")),
        Index(("received_at",)),
    ),
)


def phone_id(account_id: str, phone: str) -> str:
    """The id of what is known about one number within an account."""
    return derive_id("phn", account_id, phone)


class SmsStore:
    """The collections of this service."""

    def __init__(self, store: DocStore) -> None:
        self._numbers = store.collection(_NUMBERS)
        self._correspondents = store.collection(_CORRESPONDENTS)
        self._consents = store.collection(_CONSENTS)
        self._keywords = store.collection(_KEYWORDS)
        self._quarantine = store.collection(_QUARANTINE)

    async def account_of(self, number: str) -> str | None:
        """Whose number this is."""
        owned = await self._numbers.get(number)
        return owned.account_id if owned else None

    async def claims_of(self, numbers: Iterable[str]) -> Mapping[str, OwnedNumber]:
        """Who claimed these numbers last, by number."""
        return await self._numbers.get_many(numbers)

    async def claim(self, claims: Sequence[OwnedNumber]) -> Sequence[Fate]:
        """Claim what nobody has claimed, and renew claims that were read; their fates in order."""
        return await save_many(self._numbers, claims)

    async def correspondents(self, ids: Sequence[str]) -> Mapping[str, Correspondent]:
        """What is known of these numbers, by `phone_id`."""
        return await self._correspondents.get_many(ids)

    async def save_correspondents(self, documents: Sequence[Correspondent]) -> Sequence[Fate]:
        """Insert the new ones, replace the others; their fates in order."""
        return await save_many(self._correspondents, documents)

    async def consents(self, ids: Sequence[str]) -> Mapping[str, NumberConsentCopy]:
        """Consent copies by `phone_id`."""
        return await self._consents.get_many(ids)

    async def save_consents(self, documents: Sequence[NumberConsentCopy]) -> Sequence[Fate]:
        """Insert the new ones, replace the others; their fates in order."""
        return await save_many(self._consents, documents)

    async def first_delivery(self, seen: KeywordSeen) -> KeywordSeen:
        """Remember a keyword message; the one remembered first, which on a redelivery is another delivery."""
        if (await self._keywords.insert_many([seen]))[0] is Fate.DONE:
            return seen
        known = await self._keywords.get(seen.id)
        return known or seen

    async def quarantine(self, webhook: QuarantinedWebhook, *, at_most: int) -> bool:
        """Keep a payload unless its source has filled its share; whether it was kept."""
        waiting = unreplayed_of(webhook.account_id, webhook.source)
        if await self._quarantine.count(waiting, at_most=at_most) >= at_most:
            return False
        await self._quarantine.insert_many([webhook])
        return True

    async def quarantined(self, account_id: str) -> Sequence[QuarantinedWebhook]:
        """Everything that is kept aside of an account; each source has a limited share."""
        return await every(self._quarantine, Eq("account_id", account_id))

    async def quarantine_page(
        self, query: QuarantineQuery, *, limit: int, cursor: str | None
    ) -> Page[QuarantinedWebhook]:
        """What is set aside, oldest first."""
        return await self._quarantine.find(query.where, sort=Sort("received_at"), limit=limit, cursor=cursor)

    async def quarantined_webhook(self, kept_id: str) -> QuarantinedWebhook | None:
        """One payload that was set aside."""
        return await self._quarantine.get(kept_id)

    async def note_replay(self, kept_id: str, number: int, now: datetime) -> None:
        """Note that a payload was taken in after all."""
        await note(self._quarantine, kept_id, lambda kept: as_replayed(kept, number, now))

    async def forget(
        self,
        consents: Sequence[NumberConsentCopy],
        correspondents: Sequence[Correspondent],
        webhooks: Sequence[QuarantinedWebhook],
    ) -> Sequence[Fate]:
        """Delete documents; their fates in order."""
        return [
            *(await self._consents.delete_many(consents) if consents else ()),
            *(await self._correspondents.delete_many(correspondents) if correspondents else ()),
            *(await self._quarantine.delete_many(webhooks) if webhooks else ()),
        ]
