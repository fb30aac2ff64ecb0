"""The lists of tickets that agents work from (V1, V2)."""

from dataclasses import dataclass
from typing import Literal

from contracts.people import Channel
from contracts.settings import TicketSettings
from contracts.tickets import Status
from service_kit.auth import Principal
from service_kit.docstore import Page
from service_kit.settings_copies import SettingsCopies
from tickets.model import Ticket
from tickets.ticket_problems import agent_needed
from tickets.ticket_store import SortField, TicketQuery, TicketStore

View = Literal["mine", "all", "unassigned"]
"""Public contract: the views everybody has."""

SortOrder = Literal["updated_at", "-updated_at", "created_at", "-created_at"]
"""Public contract: how a list may be sorted; a minus means newest first."""

COUNTED = 10_000
"""Counts go no further."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a list is narrowed by, beyond its view; None does not narrow."""

    status: Status | Literal["any"] = "open"
    assignee_id: str | None = None
    team_id: str | None = None
    channel: Channel | None = None
    tag: str | None = None
    contact_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many open tickets each view has; `unread` is None where the account has switched the badge off."""

    mine: int
    unassigned: int
    all: int
    unread: int | None


class TicketLists:
    """Lists and counts."""

    def __init__(self, tickets: TicketStore, copies: SettingsCopies) -> None:
        self._tickets = tickets
        self._copies = copies

    async def page(
        self,
        principal: Principal,
        view: View,
        narrowing: Narrowing,
        *,
        sort: SortOrder,
        limit: int,
        cursor: str | None,
    ) -> Page[Ticket]:
        """A page of one view."""
        field: SortField = "created_at" if "created" in sort else "updated_at"
        query = _query(principal, view, narrowing)
        return await self._tickets.find(query, sort=field, descending=sort.startswith("-"), limit=limit, cursor=cursor)

    async def counts(self, principal: Principal) -> Counts:
        """Open tickets per view, and the unread ones among *My inbox* and *Unassigned*."""
        account_id, agent_id = principal.account_id, principal.agent_id
        unassigned = TicketQuery(account_id, status="open", unassigned=True)
        mine = TicketQuery(account_id, status="open", assignee_id=agent_id) if agent_id else None
        settings = await self._copies.get(account_id, "tickets", TicketSettings)
        return Counts(
            mine=await self._count(mine),
            unassigned=await self._count(unassigned),
            all=await self._count(TicketQuery(account_id, status="open")),
            unread=await self._unread(mine, unassigned, agent_id) if settings.unread_badge else None,
        )

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


def _query(principal: Principal, view: View, narrowing: Narrowing) -> TicketQuery:
    if view == "mine" and principal.agent_id is None:
        raise agent_needed()
    return TicketQuery(
        principal.account_id,
        status=None if narrowing.status == "any" else narrowing.status,
        assignee_id=principal.agent_id if view == "mine" else narrowing.assignee_id,
        unassigned=view == "unassigned",
        team_id=narrowing.team_id,
        channel=narrowing.channel,
        tag=narrowing.tag,
        contact_id=narrowing.contact_id,
        text=narrowing.text,
    )
