"""Keeping macros."""

from collections.abc import Mapping

from contracts.ids import derive_id, new_id
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from service_kit.http.problems import not_found
from tickets.macro_store import MacroStore
from tickets.macros import MACROS_PER_ACCOUNT, Macro, sort_name
from tickets.people_problems import too_many


class MacroWorkflow:
    """Macros of an account."""

    def __init__(self, macros: MacroStore, clock: Clock) -> None:
        self._macros = macros
        self._clock = clock

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[Macro]:
        """Macros by name."""
        return await self._macros.page(account_id, limit=limit, cursor=cursor)

    async def get(self, account_id: str, macro_id: str) -> Macro:
        """One macro.

        Raises:
            Problem: this account has none of this id.
        """
        macro = await self._macros.find(account_id, macro_id)
        if macro is None:
            raise not_found("macro")
        return macro

    async def create(
        self, account_id: str, *, name: str, text: str, category: str | None, request_id: str | None
    ) -> Macro:
        """Add one; the same `request_id` again finds the one it added.

        Raises:
            Problem: there are too many.
        """
        if await self._macros.count(account_id, at_most=MACROS_PER_ACCOUNT) >= MACROS_PER_ACCOUNT:
            raise too_many("macros", MACROS_PER_ACCOUNT)
        now = self._clock.now()
        macro = Macro(
            id=derive_id("mac", request_id) if request_id else new_id("mac"),
            account_id=account_id,
            name=name,
            sort_name=sort_name(name),
            text=text,
            category=category,
            created_at=now,
            updated_at=now,
        )
        if await self._macros.insert(macro) is Fate.DONE:
            return macro
        return await self.get(account_id, macro.id)

    async def change(self, account_id: str, macro_id: str, given: Mapping[str, str | None]) -> Macro:
        """Change the `given` ones of name, text and category; the last writer wins.

        Raises:
            Problem: this account has none of this id.
        """
        while True:
            macro = await self.get(account_id, macro_id)
            after = macro.model_copy(update={**given, "updated_at": self._clock.now()})
            after = after.model_copy(update={"sort_name": sort_name(after.name)})
            if await self._macros.replace(after) is Fate.DONE:
                return after

    async def delete(self, account_id: str, macro_id: str) -> None:
        """Remove one.

        Raises:
            Problem: this account has none of this id.
        """
        while await self._macros.delete(await self.get(account_id, macro_id)) is not Fate.DONE:
            pass
