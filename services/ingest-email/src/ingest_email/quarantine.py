"""Mail that is kept aside because it cannot become a message: nobody could be answered."""

import asyncio

from contracts.envelope import UtcDatetime
from contracts.mail import MailAccepted
from service_kit.docstore import All, CollectionSpec, DocStore, Document, Eq, Index


class QuarantinedMail(Document):
    """One delivery kept aside; the id is the delivery's. The raw mail is under `blob_key`.

    `source` is the machine it came from, whose share of the quarantine is limited.
    """

    account_id: str
    source: str
    mailbox: str
    blob_key: str
    reason: str
    size: int
    received_at: UtcDatetime


QUARANTINE = CollectionSpec(
    name="quarantined_mails",
    model=QuarantinedMail,
    indexes=(Index(("account_id", "source")), Index(("account_id", "received_at"))),
)


class Quarantine:
    """The collection, and the limit that forgeries from one place run into (I6)."""

    def __init__(self, store: DocStore, *, per_source_max: int) -> None:
        self._mails = store.collection(QUARANTINE)
        self._per_source_max = per_source_max
        # One at a time: a batch of forgeries comes at once, and each must see those before it counted.
        self._turn = asyncio.Lock()

    async def keep(self, mail: MailAccepted, *, mailbox: str, reason: str) -> bool:
        """Keep a delivery aside; False when its source has used up its share. Twice is once."""
        kept = QuarantinedMail(
            id=mail.id,
            account_id=mail.account_id,
            source=mail.peer or mail.recipient,
            mailbox=mailbox,
            blob_key=mail.raw_blob_key,
            reason=reason,
            size=mail.size,
            received_at=mail.received_at,
        )
        async with self._turn:
            return await self._insert(kept)

    async def _insert(self, kept: QuarantinedMail) -> bool:
        if await self._mails.get(kept.id) is not None:
            return True
        same_source = All(Eq("account_id", kept.account_id), Eq("source", kept.source))
        if await self._mails.count(same_source, at_most=self._per_source_max) >= self._per_source_max:
            return False
        await self._mails.insert_many([kept])
        return True
