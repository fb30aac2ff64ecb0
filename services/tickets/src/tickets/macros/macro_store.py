"""Every query for macros."""

from collections.abc import Sequence

from service_kit.docstore import All, Cmp, DocStore, Eq, Fate, Filter, Page, Sort
from tickets.macros.macros import MACROS, Macro


class MacroStore:
    """Macros in the document store; every read hides what belongs to another account."""

    def __init__(self, store: DocStore) -> None:
        self._macros = store.collection(MACROS)

    async def find(self, account_id: str, macro_id: str) -> Macro | None:
        """One macro of this account."""
        macro = await self._macros.get(macro_id)
        return macro if macro is not None and macro.account_id == account_id else None

    async def page(self, account_id: str, category: str | None, *, limit: int, cursor: str | None) -> Page[Macro]:
        """Macros of an account, or of one of its categories, by name."""
        parts: list[Filter] = [Eq("account_id", account_id)]
        if category is not None:
            parts.append(Eq("category", category))
        return await self._macros.find(All(*parts), sort=Sort("sort_name"), limit=limit, cursor=cursor)

    async def categories(self, account_id: str, after: str, *, limit: int) -> Sequence[str]:
        """The categories in use behind `after`, in order: one look into the index for each."""
        found: list[str] = []
        while len(found) < limit:
            beyond = All(Eq("account_id", account_id), Cmp("category", ">", found[-1] if found else after))
            page = await self._macros.find(beyond, sort=Sort("category"), limit=1)
            if not page.items:
                break
            found += [macro.category for macro in page.items if macro.category is not None]
        return found

    async def count(self, account_id: str, *, at_most: int) -> int:
        """How many macros the account has."""
        return await self._macros.count(Eq("account_id", account_id), at_most=at_most)

    async def insert(self, macro: Macro) -> Fate:
        """Add one."""
        return (await self._macros.insert_many([macro]))[0]

    async def replace(self, macro: Macro) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._macros.replace_many([macro]))[0]

    async def delete(self, macro: Macro) -> Fate:
        """Remove one; STALE when it changed meanwhile."""
        return (await self._macros.delete_many([macro]))[0]
