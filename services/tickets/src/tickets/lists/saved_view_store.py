"""Every query for saved views."""

from collections.abc import Sequence

from service_kit.docstore import All, DocStore, Eq, Fate, In, Page, Sort
from tickets.lists.saved_views import SAVED_VIEWS, SavedView


class SavedViewStore:
    """Saved views in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._views = store.collection(SAVED_VIEWS)

    async def find(self, view_id: str) -> SavedView | None:
        """One view, of any account."""
        return await self._views.get(view_id)

    async def page(
        self, account_id: str, audiences: Sequence[str], *, limit: int, cursor: str | None
    ) -> Page[SavedView]:
        """Views of an account that some audiences see, by name."""
        where = All(Eq("account_id", account_id), In("audience", audiences))
        return await self._views.find(where, sort=Sort("sort_name"), limit=limit, cursor=cursor)

    async def count(self, account_id: str, *, at_most: int) -> int:
        """How many views the account has."""
        return await self._views.count(Eq("account_id", account_id), at_most=at_most)

    async def insert(self, view: SavedView) -> Fate:
        """Add one."""
        return (await self._views.insert_many([view]))[0]

    async def replace(self, view: SavedView) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._views.replace_many([view]))[0]

    async def delete(self, view: SavedView) -> Fate:
        """Remove one; STALE when it changed meanwhile."""
        return (await self._views.delete_many([view]))[0]
