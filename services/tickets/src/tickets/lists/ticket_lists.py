"""The lists of tickets that agents work from (V1, V2)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from contracts.settings import TicketSettings
from service_kit.auth import Principal
from service_kit.docstore import Page
from service_kit.settings_copies import SettingsCopies
from tickets.contacts.contact_store import ContactStore
from tickets.lists.narrowing import NEWEST_FIRST, Narrowing, SortOrder, View
from tickets.lists.saved_view_workflow import SavedViewWorkflow
from tickets.lists.saved_views import ViewFilter
from tickets.ticket.inbox_readers import INBOX_MINE, INBOX_UNASSIGNED, inbox_reader
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import agent_needed, too_many_tickets
from tickets.ticket.ticket_store import SortField, TicketQuery, TicketStore

_SORT_FIELDS: Mapping[str, SortField] = {
    "updated_at": "updated_at",
    "created_at": "created_at",
    "priority": "urgency",
}

COUNTED = 1_000
"""Counts go no further: nobody reads more, and an index that is led answers so much at any size."""

_READ_COUNTED = 10_000
"""How far the read tickets of an inbox are counted, to take them off its tickets."""

_IDS_PER_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; `more` says that there are more than that."""

    count: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tickets each view has; `unread` is None where the account has switched the badge off."""

    mine: Count
    unassigned: Count
    all: Count
    unread: Count | None
    views: Mapping[str, Count]


class TicketLists:
    """Lists and counts."""

    def __init__(
        self, tickets: TicketStore, views: SavedViewWorkflow, copies: SettingsCopies, contacts: ContactStore
    ) -> None:
        self._tickets = tickets
        self._views = views
        self._copies = copies
        self._contacts = contacts

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
        query, sort = await self._of_person(_query(principal, view, narrowing)), sort or NEWEST_FIRST
        return await self._tickets.find(
            query,
            sort=_SORT_FIELDS[sort.removeprefix("-")],
            descending=sort.startswith("-"),
            limit=limit,
            cursor=cursor,
        )

    async def ids(self, principal: Principal, given: ViewFilter, *, at_most: int) -> list[str]:
        """The ids of all that a filter shows now, the newest first.

        Raises:
            Problem: there are more than `at_most`.
        """
        query = await self._of_person(_query(principal, given.view, given.narrowing))
        if await self._tickets.count(query, at_most=at_most + 1) > at_most:
            raise too_many_tickets(at_most)
        found: dict[str, None] = {}
        cursor = None
        while len(found) < at_most:
            page = await self._tickets.find(
                query, sort="updated_at", descending=True, limit=_IDS_PER_PAGE, cursor=cursor
            )
            found |= dict.fromkeys(ticket.id for ticket in page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        return list(found)[:at_most]

    async def counts(self, principal: Principal) -> Counts:
        """Open tickets per view, what saved views show, and the unread ones among *My inbox* and *Unassigned*."""
        account_id, agent_id = principal.account_id, principal.agent_id
        unassigned = TicketQuery(account_id, status="open", unassigned=True)
        mine = TicketQuery(account_id, status="open", assignee_id=agent_id) if agent_id else None
        settings = await self._copies.get(account_id, "tickets", TicketSettings)
        of_mine, of_unassigned, of_all, unread, views = await asyncio.gather(
            self._count(mine),
            self._count(unassigned),
            self._count(TicketQuery(account_id, status="open")),
            self._unread(mine if settings.unread_badge else None, unassigned, agent_id),
            self._saved(principal),
        )
        return Counts(of_mine, of_unassigned, of_all, unread if settings.unread_badge else None, views)

    async def of_contact(self, account_id: str, contact_id: str) -> tuple[Count, Count]:
        """How many tickets a person has that are open, and how many in all (V3)."""
        of_all = await self._of_person(TicketQuery(account_id, contact_id=contact_id))
        return await self._count(replace(of_all, status="open")), await self._count(of_all)

    async def _saved(self, principal: Principal) -> Mapping[str, Count]:
        """What the saved views that the caller sees have; *My inbox* of a caller who is nobody has nothing."""
        views = await self._views.counted(principal)
        shown = [view for view in views if view.filter.view != "mine" or principal.agent_id is not None]
        asked = (_query(principal, view.filter.view, view.filter.narrowing) for view in shown)
        queries = await asyncio.gather(*map(self._of_person, asked))
        counts = await asyncio.gather(*(self._count(query) for query in queries))
        return dict.fromkeys((view.id for view in views), Count(0)) | {
            view.id: count for view, count in zip(shown, counts, strict=True)
        }

    async def _unread(self, mine: TicketQuery | None, unassigned: TicketQuery, agent_id: str | None) -> Count:
        """All less those read, because an index holds who has read a ticket and not who has not.

        Of an inbox beyond all reason this says how many are unread at least.
        """
        if mine is None or agent_id is None:
            return Count(0)
        inboxes = ((mine, INBOX_MINE), (unassigned, INBOX_UNASSIGNED))
        counted = await asyncio.gather(
            *(self._tickets.count(query, at_most=_READ_COUNTED) for query, _ in inboxes),
            *(self._tickets.count_read(inbox_reader(agent_id, name), at_most=_READ_COUNTED) for _, name in inboxes),
        )
        all_of_mine, all_unassigned, read_of_mine, read_unassigned = counted
        unread = max(0, all_of_mine - read_of_mine) + max(0, all_unassigned - read_unassigned)
        is_more = unread > COUNTED or _READ_COUNTED in {all_of_mine, all_unassigned}
        return Count(min(unread, COUNTED), is_more)

    async def _of_person(self, query: TicketQuery) -> TicketQuery:
        """The query over every contact that the one asked for is made of."""
        if query.contact_id is None:
            return query
        return replace(query, contact_id=None, contact_ids=await self._contacts.ids_of(query.contact_id))

    async def _count(self, query: TicketQuery | None) -> Count:
        if query is None:
            return Count(0)
        number = await self._tickets.count(query, at_most=COUNTED + 1)
        return Count(min(number, COUNTED), number > COUNTED)


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
        custom=narrowing.custom or (),
    )
