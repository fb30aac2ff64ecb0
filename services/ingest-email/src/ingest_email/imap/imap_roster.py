"""All mailboxes that are to be read, as the settings of all accounts want them, and who reads which."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from contracts.ids import new_id
from contracts.settings import EmailSettings
from ingest_email.imap.imap_tenure import Tenure
from ingest_email.imap.imap_watched import WATCHED, WatchedMailbox, watched_id
from service_kit.clock import Clock
from service_kit.docstore import Cmp, DocStore, Eq, Fate, Sort
from service_kit.docstore.every_page import every
from service_kit.errors import TransientError

_ATTEMPTS = 8
_PAGE_MAX = 1000


class MailboxContended(TransientError):
    """Others kept writing the same mailbox in between."""


class ImapRoster:
    """The collection; one object is one reader, whose leases are told from those of other replicas."""

    def __init__(self, store: DocStore, clock: Clock) -> None:
        self._mailboxes = store.collection(WATCHED)
        self._clock = clock
        self._holder = new_id("imap")

    async def want(self, account_id: str, names: Sequence[str]) -> None:
        """Make sure that these mailboxes are found by whoever reads; before the settings that name them are written.

        One that is there is touched, so that nobody who still knows the old settings forgets it.
        """
        for name in names:
            await self._touch(watched_id(account_id, name), account_id, name)

    async def adopt(self, everybody: Mapping[str, EmailSettings]) -> None:
        """The same for all accounts on start: whatever was lost of this collection is begun again."""
        now = self._clock.now()
        missing = [_fresh(account_id, name, now) for account_id, one in everybody.items() for name in one.imap]
        if missing:
            await self._mailboxes.insert_many(missing)  # EXISTS is as good

    async def claim(self, *, lease: timedelta, room: int, but: Sequence[str]) -> Sequence[Tenure]:
        """Take what nobody reads, whoever waited longest first; `but` are ours, even where a lease has run out."""
        now = self._clock.now()
        where = Cmp("leased_until", "<=", now)
        page = await self._mailboxes.find(where, sort=Sort("leased_until"), limit=min(room + len(but), _PAGE_MAX))
        free = [one for one in page.items if one.id not in but][:room]
        taken = {"holder": self._holder, "leased_until": now + lease, "state": "connecting"}
        claims = [one.model_copy(update=taken) for one in free]
        fates = await self._mailboxes.replace_many(claims) if claims else []
        return [
            Tenure(self._mailboxes, one.model_copy(update={"rev": one.rev + 1}), self._clock, lease)
            for one, fate in zip(claims, fates, strict=True)
            if fate is Fate.DONE
        ]

    async def of_account(self, account_id: str) -> Mapping[str, WatchedMailbox]:
        """How reading goes, by name."""
        return {one.name: one for one in await every(self._mailboxes, Eq("account_id", account_id))}

    async def _touch(self, mailbox_id: str, account_id: str, name: str) -> None:
        for _ in range(_ATTEMPTS):
            now = self._clock.now()
            stored = await self._mailboxes.get(mailbox_id)
            if stored is None:
                fates = await self._mailboxes.insert_many([_fresh(account_id, name, now)])
            else:
                fates = await self._mailboxes.replace_many([stored.model_copy(update={"wanted_at": now})])
            if fates == [Fate.DONE]:
                return
        raise MailboxContended(mailbox_id)


def _fresh(account_id: str, name: str, now: datetime) -> WatchedMailbox:
    mailbox_id = watched_id(account_id, name)
    return WatchedMailbox(id=mailbox_id, account_id=account_id, name=name, wanted_at=now, leased_until=now)
