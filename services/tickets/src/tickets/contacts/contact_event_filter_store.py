"""Every query for saved filters of contacts' events."""

from service_kit.docstore import DocStore, Eq, Fate, Page, Sort
from tickets.contacts.contact_event_filters import CONTACT_EVENT_FILTERS, ContactEventFilter


class ContactEventFilterStore:
    """Filters in the document store; whatever asks for an account sees only that account's."""

    def __init__(self, store: DocStore) -> None:
        self._filters = store.collection(CONTACT_EVENT_FILTERS)

    async def get(self, account_id: str, filter_id: str) -> ContactEventFilter | None:
        """One filter of this account."""
        found = await self._filters.get(filter_id)
        return found if found is not None and found.account_id == account_id else None

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[ContactEventFilter]:
        """Filters of an account, by name."""
        return await self._filters.find(
            Eq("account_id", account_id), sort=Sort("sort_name"), limit=limit, cursor=cursor
        )

    async def count(self, account_id: str, *, at_most: int) -> int:
        """How many filters the account has."""
        return await self._filters.count(Eq("account_id", account_id), at_most=at_most)

    async def insert(self, new: ContactEventFilter) -> Fate:
        """Add one."""
        return (await self._filters.insert_many([new]))[0]

    async def replace(self, changed: ContactEventFilter) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._filters.replace_many([changed]))[0]

    async def delete(self, one: ContactEventFilter) -> Fate:
        """Remove one; STALE when it changed meanwhile."""
        return (await self._filters.delete_many([one]))[0]
