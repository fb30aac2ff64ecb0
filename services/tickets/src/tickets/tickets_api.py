"""`/v1/tickets`: lists, counts, one ticket and its history."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from contracts.people import Channel
from contracts.tickets import Status
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from tickets.desk import Desk
from tickets.history import EventView, History
from tickets.ticket_lists import Narrowing, SortOrder, TicketLists, View
from tickets.ticket_view import TicketView, TicketViews

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
AnId = Annotated[str | None, Query(max_length=100)]


class CountsView(BaseModel):
    """How many open tickets each view has, up to 10,000; `unread` is null where the badge is switched off."""

    mine: int
    unassigned: int
    all: int
    unread: int | None


def _narrowing(
    status: Annotated[Status | Literal["any"], Query()] = "open",
    assignee: AnId = None,
    team: AnId = None,
    channel: Channel | None = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
    contact: AnId = None,
    q: Annotated[str | None, Query(min_length=1, max_length=500, description="Words to search for.")] = None,
) -> Narrowing:
    return Narrowing(
        status=status, assignee_id=assignee, team_id=team, channel=channel, tag=tag, contact_id=contact, text=q
    )


def tickets_router(desk: Desk, lists: TicketLists, views: TicketViews, history: History) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1/tickets", tags=["tickets"])

    @router.get("")
    async def list_tickets(
        principal: Reader,
        narrowing: Annotated[Narrowing, Depends(_narrowing)],
        view: View = "all",
        sort: SortOrder = "-updated_at",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[TicketView]:
        """Tickets of one view, open ones unless `status` says otherwise."""
        page = await lists.page(principal, view, narrowing, sort=sort, limit=limit, cursor=cursor)
        items = await views.many(principal.account_id, page.items, principal.agent_id)
        return PageOf(items=items, next_cursor=page.next_cursor)

    @router.get("/counts")
    async def count_tickets(principal: Reader) -> CountsView:
        """Open tickets per view, and the unread ones among *My inbox* and *Unassigned*."""
        counts = await lists.counts(principal)
        return CountsView(mine=counts.mine, unassigned=counts.unassigned, all=counts.all, unread=counts.unread)

    @router.get("/{ticket_id}")
    async def show_ticket(principal: Reader, ticket_id: str) -> TicketView:
        """One ticket."""
        return await views.one(await desk.load(principal.account_id, ticket_id), principal.agent_id)

    @router.get("/{ticket_id}/events")
    async def list_events(
        principal: Reader, ticket_id: str, limit: Limit = 200, cursor: Cursor = None
    ) -> PageOf[EventView]:
        """Everything that happened to a ticket, in order and without a gap (L5)."""
        ticket = await desk.load(principal.account_id, ticket_id)
        return await history.page(ticket, limit=limit, cursor=cursor)

    return router
