"""Counting the intake ledger: every number is read off an index, none is kept beside the entries it counts (I2)."""

import asyncio
from collections.abc import Sequence
from typing import get_args

from contracts.intake import Verdict
from service_kit.docstore import All, Cmp, DocStore, Eq, Filter, Sort
from tickets.ledger.intake_counts import EXACT_TO, Counted, IntakeRange
from tickets.ledger.intake_entry import INTAKE

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def mailboxes_after(account_id: str, last: str) -> Filter:
    """Entries of the mailboxes that follow by name."""
    return All(Eq("account_id", account_id), Cmp("mailbox", ">", last))


class IntakeCounter:
    """Counts deliveries in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._entries = store.collection(INTAKE)

    async def by_verdict(self, asked: IntakeRange) -> Sequence[Counted]:
        """One row for each verdict."""
        numbers = await asyncio.gather(*(self._count(asked.where(verdict=verdict)) for verdict in VERDICTS))
        return [Counted(verdict, {verdict: number}) for verdict, number in zip(VERDICTS, numbers, strict=True)]

    async def by_mailbox(self, asked: IntakeRange, *, after: str, limit: int) -> tuple[Sequence[Counted], str | None]:
        """One row for each mailbox that ever received anything, by name, and where the next page begins.

        A silent one is a row of zeros.
        """
        names = await self._mailboxes(asked.account_id, after, limit + 1)
        rows = [await self._of_mailbox(asked, name) for name in names[:limit]]
        return rows, names[limit - 1] if len(names) > limit else None

    async def _of_mailbox(self, asked: IntakeRange, mailbox: str) -> Counted:
        each = (self._count(asked.where(mailbox=mailbox, verdict=verdict)) for verdict in VERDICTS)
        return Counted(mailbox, dict(zip(VERDICTS, await asyncio.gather(*each), strict=True)))

    async def _mailboxes(self, account_id: str, after: str, limit: int) -> list[str]:
        """From one name to the next, each by one look at the index, however many entries lie between."""
        names: list[str] = []
        while len(names) < limit:
            where = mailboxes_after(account_id, names[-1] if names else after)
            page = await self._entries.find(where, sort=Sort("mailbox"), limit=1)
            if not page.items:
                break
            names.append(page.items[0].mailbox)
        return names

    async def _count(self, where: Filter) -> int:
        return await self._entries.count(where, at_most=EXACT_TO)
