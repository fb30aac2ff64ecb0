"""Keeping macros."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contracts.ids import derive_id, new_id
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from service_kit.http.problems import not_found
from service_kit.problem import Problem
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.macros.macro_store import MacroStore
from tickets.macros.macro_variables import ticket_fields
from tickets.macros.macros import MACROS_PER_ACCOUNT, Macro, MacroActions, sort_name
from tickets.people.people_problems import too_many


@dataclass(frozen=True, slots=True)
class MacroWanted:
    """A macro as somebody wants it."""

    name: str
    text: str
    html: str | None
    category: str | None
    actions: MacroActions


class MacroWorkflow:
    """Macros of an account."""

    def __init__(self, macros: MacroStore, fields: CustomFieldStore, clock: Clock) -> None:
        self._macros = macros
        self._fields = fields
        self._clock = clock

    async def page(self, account_id: str, category: str | None, *, limit: int, cursor: str | None) -> Page[Macro]:
        """Macros by name, of one category if one is given."""
        return await self._macros.page(account_id, category, limit=limit, cursor=cursor)

    async def categories(self, account_id: str, after: str, *, limit: int) -> Sequence[str]:
        """The categories in use, in order."""
        return await self._macros.categories(account_id, after, limit=limit)

    async def get(self, account_id: str, macro_id: str) -> Macro:
        """One macro.

        Raises:
            Problem: this account has none of this id.
        """
        macro = await self._macros.find(account_id, macro_id)
        if macro is None:
            raise not_found("macro")
        return macro

    async def create(self, account_id: str, wanted: MacroWanted, *, request_id: str | None) -> Macro:
        """Add one; the same `request_id` again finds the one it added.

        Raises:
            Problem: there are too many, or it says a custom field that nobody has defined.
        """
        await self._require_known_fields(account_id, wanted.text, wanted.html)
        if await self._macros.count(account_id, at_most=MACROS_PER_ACCOUNT) >= MACROS_PER_ACCOUNT:
            raise too_many("macros", MACROS_PER_ACCOUNT)
        now = self._clock.now()
        macro = Macro(
            id=derive_id("mac", request_id) if request_id else new_id("mac"),
            account_id=account_id,
            sort_name=sort_name(wanted.name),
            created_at=now,
            updated_at=now,
            **(asdict(wanted) | {"actions": wanted.actions}),
        )
        if await self._macros.insert(macro) is Fate.DONE:
            return macro
        return await self.get(account_id, macro.id)

    async def change(self, account_id: str, macro_id: str, given: Mapping[str, Any]) -> Macro:
        """Change the `given` ones of name, text, html, category and actions; the last writer wins.

        Raises:
            Problem: this account has none of this id, or it says a custom field that nobody has defined.
        """
        await self._require_known_fields(account_id, given.get("text"), given.get("html"))
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

    async def _require_known_fields(self, account_id: str, *texts: str | None) -> None:
        """What an outside system says of contacts needs no definition; what agents say of tickets does."""
        said = {key for text in texts if text is not None for key in ticket_fields(text)}
        unknown = sorted(said - (await self._fields.shown(account_id, "ticket")).keys()) if said else []
        if unknown:
            detail = f"Unknown variable 'ticket.custom.{unknown[0]}': tickets have no custom field of that key."
            raise Problem(422, "unknown_variable", detail, unknown=[f"ticket.custom.{key}" for key in unknown])
