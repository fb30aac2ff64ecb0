"""Keeping saved views."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.ids import derive_id, new_id
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from tickets.lists.narrowing import SortOrder
from tickets.lists.saved_view_store import SavedViewStore
from tickets.lists.saved_views import (
    COUNTED_VIEWS,
    EVERYBODY,
    VIEWS_PER_ACCOUNT,
    Column,
    SavedView,
    ViewFilter,
    is_visible,
    may_change,
)
from tickets.people.people_problems import too_many
from tickets.ticket.ticket_problems import agent_needed, no_such, view_of_another


class SavedViewWorkflow:
    """The views that somebody sees."""

    def __init__(self, views: SavedViewStore, clock: Clock) -> None:
        self._views = views
        self._clock = clock

    async def page(self, principal: Principal, *, limit: int, cursor: str | None) -> Page[SavedView]:
        """Shared views and the caller's own, by name."""
        audiences = [one for one in (EVERYBODY, principal.agent_id) if one is not None]
        return await self._views.page(principal.account_id, audiences, limit=limit, cursor=cursor)

    async def counted(self, principal: Principal) -> Sequence[SavedView]:
        """The views whose tickets are counted for the caller."""
        return (await self.page(principal, limit=COUNTED_VIEWS, cursor=None)).items

    async def get(self, principal: Principal, view_id: str) -> SavedView:
        """One view.

        Raises:
            Problem: there is none of this id that the caller sees.
        """
        view = await self._views.find(view_id)
        if view is None or not is_visible(view, principal):
            raise no_such("view")
        return view

    async def create(
        self,
        principal: Principal,
        *,
        name: str,
        shared: bool,
        given: ViewFilter,
        sort: SortOrder,
        columns: Sequence[Column],
        request_id: str | None,
    ) -> SavedView:
        """Add one; the same `request_id` again finds the one it added.

        Raises:
            Problem: there are too many, or a private one would be nobody's.
        """
        if principal.agent_id is None and not shared:
            raise agent_needed()
        if await self._views.count(principal.account_id, at_most=VIEWS_PER_ACCOUNT) >= VIEWS_PER_ACCOUNT:
            raise too_many("views", VIEWS_PER_ACCOUNT)
        now = self._clock.now()
        view = SavedView(
            id=derive_id("viw", request_id) if request_id else new_id("viw"),
            account_id=principal.account_id,
            owner_id=principal.agent_id,
            shared=shared,
            name=name,
            sort_name=name.casefold(),
            filter=given,
            sort=sort,
            columns=tuple(columns),
            created_at=now,
            updated_at=now,
        )
        return view if await self._views.insert(view) is Fate.DONE else await self.get(principal, view.id)

    async def change(self, principal: Principal, view_id: str, given: Mapping[str, Any]) -> SavedView:
        """Change what is `given`; the last writer wins.

        Raises:
            Problem: there is no such view, or it is another agent's.
        """
        while True:
            view = await self._changeable(principal, view_id)
            after = view.model_copy(update={**given, "updated_at": self._clock.now()})
            after = after.model_copy(update={"sort_name": after.name.casefold()})
            if after.audience is None:
                raise agent_needed()
            if await self._views.replace(after) is Fate.DONE:
                return after

    async def delete(self, principal: Principal, view_id: str) -> None:
        """Remove one.

        Raises:
            Problem: there is no such view, or it is another agent's.
        """
        while await self._views.delete(await self._changeable(principal, view_id)) is not Fate.DONE:
            pass

    async def _changeable(self, principal: Principal, view_id: str) -> SavedView:
        view = await self.get(principal, view_id)
        if not may_change(view, principal):
            raise view_of_another()
        return view
