"""Every query for the audit log; there is none that changes or removes an entry."""

from collections.abc import Sequence

from service_kit.docstore import DocStore, Page, Sort
from tickets.audit.audit import AUDIT, AuditEntry, AuditQuery


class AuditStore:
    """The log in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._entries = store.collection(AUDIT)

    async def add(self, entries: Sequence[AuditEntry]) -> None:
        """Enter actions; one that is there already stays as it is."""
        if entries:
            await self._entries.insert_many(entries)

    async def page(self, query: AuditQuery, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Actions, newest first."""
        return await self._entries.find(query.where, sort=Sort("at", descending=True), limit=limit, cursor=cursor)
