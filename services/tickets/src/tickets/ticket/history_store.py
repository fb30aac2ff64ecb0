"""Every query for the history of tickets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from service_kit.docstore import All, Cmp, DocStore, Eq, Page, Sort
from tickets.ticket.model import HISTORY, HistoryEntry, entry_id

_PAGE = 1_000


class HistoryStore:
    """Published events of tickets, in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._history = store.collection(HISTORY)

    async def record(self, entries: Sequence[HistoryEntry]) -> None:
        """Keep events; those kept already stay as they are."""
        await self._history.insert_many(entries)

    async def page(self, ticket_id: str, *, limit: int, cursor: str | None) -> Page[HistoryEntry]:
        """Events of a ticket in order."""
        return await self._history.find(Eq("ticket_id", ticket_id), sort=Sort("seq"), limit=limit, cursor=cursor)

    async def forget(self, ticket_id: str, *, before: int) -> None:
        """Delete the events of a ticket before one of them."""
        where = All(Eq("ticket_id", ticket_id), Cmp("seq", "<", before))
        while events := (await self._history.find(where, sort=Sort("seq"), limit=_PAGE)).items:
            await self._history.delete_many(events)

    async def latest(self, ticket_id: str, *, limit: int) -> Sequence[HistoryEntry]:
        """The newest events of a ticket, newest first."""
        page = await self._history.find(Eq("ticket_id", ticket_id), sort=Sort("seq", descending=True), limit=limit)
        return page.items

    async def after(self, ticket_id: str, seq: int, *, limit: int) -> Sequence[HistoryEntry]:
        """Events of a ticket after one of them, in order."""
        where = All(Eq("ticket_id", ticket_id), Cmp("seq", ">", seq))
        return (await self._history.find(where, sort=Sort("seq"), limit=limit)).items

    async def recorded_since(
        self, account_id: str, moment: datetime, *, limit: int, cursor: str | None = None
    ) -> Page[HistoryEntry]:
        """Events of an account written here since a moment, in that order."""
        return await self._history.find(
            _since(account_id, moment), sort=Sort("recorded_at"), limit=limit, cursor=cursor
        )

    async def count_since(self, account_id: str, moment: datetime, *, at_most: int) -> int:
        """How many those are."""
        return await self._history.count(_since(account_id, moment), at_most=at_most)

    async def numbered(self, places: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], HistoryEntry]:
        """Events by ticket and number, those that are here."""
        wanted = {entry_id(ticket_id, seq) for ticket_id, seq in places}
        found = await self._history.get_many(wanted) if wanted else {}
        return {(entry.ticket_id, entry.seq): entry for entry in found.values()}


def _since(account_id: str, moment: datetime) -> All:
    return All(Eq("account_id", account_id), Cmp("recorded_at", ">=", moment))
