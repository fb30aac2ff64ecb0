"""Every query for the history of tickets."""

from collections.abc import Sequence

from service_kit.docstore import DocStore, Eq, Page, Sort
from tickets.model import HISTORY, HistoryEntry


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

    async def latest(self, ticket_id: str, *, limit: int) -> Sequence[HistoryEntry]:
        """The newest events of a ticket, newest first."""
        page = await self._history.find(Eq("ticket_id", ticket_id), sort=Sort("seq", descending=True), limit=limit)
        return page.items
