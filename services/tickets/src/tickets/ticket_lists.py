"""The lists of tickets that agents work from (V1, V2)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from contracts.settings import TicketSettings
from service_kit.auth import Principal
from service_kit.docstore import Page
from service_kit.settings_copies import SettingsCopies
from tickets.model import Ticket
from tickets.narrowing import NEWEST_FIRST, Narrowing, SortOrder, View
from tickets.saved_view_workflow import SavedViewWorkflow
from tickets.ticket_problems import agent_needed
from tickets.ticket_store import SortField, TicketQuery, TicketStore

_SORT_FIELDS: Mapping[str, SortField] = {
    "updated_at": "updated_at",
    "created_at": "created_at",
    "priority": "urgency",
}

COUNTED = 10_000
"""Counts go no further."""

COUNTED_OF_SAVED = 1_000
"""Those of saved views: they may ask for anything."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tickets each view has; `unread` is None where the account has switched the badge off."""

    mine: int
    unassigned: int
    all: int
    unread: int | None
    views: Mapping[str, int]


class TicketLists:
    """Lists and counts."""

    def __init__(self, tickets: TicketStore, views: SavedViewWorkflow, copies: SettingsCopies) -> None:
        self._tickets = tickets
        self._views = views
        self._copies = copies

    async def page(
        self,
        principal: Principal,
        view: View | str,
        narrowing: Narrowing,
        *,
        sort: SortOrder | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Ticket]:
        """A page of one view: one that everybody has, or a saved one by its id. What the request says itself wins.

        Raises:
            Problem: there is no such view.
        """
        if view not in get_args(View):
            saved = await self._views.get(principal, view)
            view, narrowing, sort = saved.filter.view, narrowing.over(saved.filter.narrowing), sort or saved.sort
        query, sort = _query(principal, view, narrowing), sort or NEWEST_FIRST
        return await self._tickets.find(
            query,
            sort=_SORT_FIELDS[sort.removeprefix("-")],
            descending=sort.startswith("-"),
            limit=limit,
            cursor=cursor,
        )

    async def counts(self, principal: Principal) -> Counts:
        """Open tickets per view, what saved views show, and the unread ones among *My inbox* and *Unassigned*."""
        account_id, agent_id = principal.account_id, principal.agent_id
        unassigned = TicketQuery(account_id, status="open", unassigned=True)
        mine = TicketQuery(account_id, status="open", assignee_id=agent_id) if agent_id else None
        settings = await self._copies.get(account_id, "tickets", TicketSettings)
        return Counts(
            mine=await self._count(mine),
            unassigned=await self._count(unassigned),
            all=await self._count(TicketQuery(account_id, status="open")),
            unread=await self._unread(mine, unassigned, agent_id) if settings.unread_badge else None,
            views=await self._saved(principal),
        )

    async def _saved(self, principal: Principal) -> Mapping[str, int]:
        """What the saved views that the caller sees have; *My inbox* of a caller who is nobody has nothing."""
        views = await self._views.counted(principal)
        shown = [view for view in views if view.filter.view != "mine" or principal.agent_id is not None]
        queries = [_query(principal, view.filter.view, view.filter.narrowing) for view in shown]
        counts = await asyncio.gather(*(self._tickets.count(query, at_most=COUNTED_OF_SAVED) for query in queries))
        return dict.fromkeys((view.id for view in views), 0) | {
            view.id: count for view, count in zip(shown, counts, strict=True)
        }

    async def _unread(self, mine: TicketQuery | None, unassigned: TicketQuery, agent_id: str | None) -> int:
        """All less those read, because an index holds who has read a ticket and not who has not."""
        if mine is None or agent_id is None:
            return 0
        unread = 0
        for query in (mine, unassigned):
            read = await self._tickets.count(query.only_read_by(agent_id), at_most=COUNTED)
            unread += max(0, await self._count(query) - read)
        return unread

    async def _count(self, query: TicketQuery | None) -> int:
        return await self._tickets.count(query, at_most=COUNTED) if query is not None else 0


def _query(principal: Principal, view: str, narrowing: Narrowing) -> TicketQuery:
    if view == "mine" and principal.agent_id is None:
        raise agent_needed()
    return TicketQuery(
        principal.account_id,
        status=narrowing.stored_status,
        assignee_id=principal.agent_id if view == "mine" else narrowing.assignee_id,
        unassigned=view == "unassigned",
        team_id=narrowing.team_id,
        channel=narrowing.channel,
        tag=narrowing.tag,
        priority=narrowing.priority,
        contact_id=narrowing.contact_id,
        text=narrowing.text,
    )
