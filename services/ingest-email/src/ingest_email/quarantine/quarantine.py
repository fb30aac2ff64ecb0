"""Mail that is kept aside because it cannot become a message: nobody could be answered."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from contracts.mail import MailAccepted
from service_kit.docstore import All, CollectionSpec, DocStore, Eq, Index, Page, Sort
from service_kit.docstore.every_page import every
from service_kit.quarantine import QuarantineQuery, SetAside, as_replayed, as_returned, note, unreplayed_of


class QuarantinedMail(SetAside):
    """One delivery kept aside; the id is the delivery's. The raw mail is under `blob_key`.

    `source` is the machine it came from, whose share of the quarantine is limited. `message_id` is the message that it
    became all the same, `sender` who wrote that: it could not be understood, and is kept to be read once more.
    `recipient`, `envelope_sender`, `via` and `peer` are as they were, so that it can be delivered once more.
    """

    mailbox: str
    blob_key: str
    reason: str
    size: int
    recipient: str = ""
    envelope_sender: str = ""
    via: Literal["smtp", "mailgun", "sendgrid", "postmark", "imap"] = "smtp"
    peer: str | None = None
    message_id: str | None = None
    sender: str = ""


QUARANTINE = CollectionSpec(
    name="quarantined_mails",
    model=QuarantinedMail,
    indexes=(
        Index(("account_id", "source", "replayed_at")),
        Index(("account_id", "received_at")),
        Index(("account_id", "blob_key")),
        Index(("received_at",)),
    ),
)


class Quarantine:
    """The collection, and the limit that forgeries from one place run into (I6)."""

    def __init__(self, store: DocStore, *, per_source_max: int) -> None:
        self._mails = store.collection(QUARANTINE)
        self._per_source_max = per_source_max
        # One at a time: a batch of forgeries comes at once, and each must see those before it counted.
        self._turn = asyncio.Lock()

    async def keep(
        self, mail: MailAccepted, *, mailbox: str, reason: str, message_id: str | None = None, sender: str = ""
    ) -> bool:
        """Keep a delivery aside; False when its source has used up its share. Twice is once.

        The same bytes for the same mailbox are one: another copy costs no room, and a replay that ends here again
        finds what it came from.
        """
        kept = QuarantinedMail(
            id=mail.id,
            account_id=mail.account_id,
            source=mail.peer or mail.recipient,
            mailbox=mailbox,
            blob_key=mail.raw_blob_key,
            reason=reason,
            size=mail.size,
            received_at=mail.received_at,
            recipient=mail.recipient,
            envelope_sender=mail.envelope_sender,
            via=mail.via,
            peer=mail.peer,
            message_id=message_id,
            sender=sender,
        )
        async with self._turn:
            return await self._insert(kept)

    async def holds(self, account_id: str, blob_key: str) -> bool:
        """Whether these bytes are kept for any mailbox."""
        page = await self._mails.find(All(Eq("account_id", account_id), Eq("blob_key", blob_key)), limit=1)
        return bool(page.items)

    async def of_account(self, account_id: str) -> Sequence[QuarantinedMail]:
        """Everything an account has in quarantine."""
        return await every(self._mails, Eq("account_id", account_id))

    async def page(self, query: QuarantineQuery, *, limit: int, cursor: str | None) -> Page[QuarantinedMail]:
        """What is set aside, oldest first."""
        return await self._mails.find(query.where, sort=Sort("received_at"), limit=limit, cursor=cursor)

    async def find(self, kept_id: str) -> QuarantinedMail | None:
        """One delivery that was kept aside."""
        return await self._mails.get(kept_id)

    async def note_replay(self, kept_id: str, number: int, now: datetime) -> None:
        """Note that a delivery went on its way again."""
        await note(self._mails, kept_id, lambda kept: as_replayed(kept, number, now))

    async def drop(self, mails: Sequence[QuarantinedMail]) -> None:
        """Forget deliveries that were kept aside."""
        if mails:
            await self._mails.delete_many(mails)

    async def _insert(self, kept: QuarantinedMail) -> bool:
        if await self._mails.get(kept.id) is not None:
            return True
        same_bytes = await every(self._mails, All(Eq("account_id", kept.account_id), Eq("blob_key", kept.blob_key)))
        for known in same_bytes:
            if known.mailbox == kept.mailbox:
                await note(self._mails, known.id, lambda one: as_returned(one, kept.id))
                return True
        waiting = unreplayed_of(kept.account_id, kept.source)
        # Bytes that are held for another mailbox must not be dropped as one delivery too many.
        if not same_bytes and await self._mails.count(waiting, at_most=self._per_source_max) >= self._per_source_max:
            return False
        await self._mails.insert_many([kept])
        return True
