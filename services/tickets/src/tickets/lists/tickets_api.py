"""`/v1/tickets`: lists, counts, one ticket and its history."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel

from contracts.people import Channel
from contracts.tickets import Priority
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.custom.custom_narrowing import AskedFields
from tickets.lists.narrowing import AnyStatus, Narrowing, SortOrder
from tickets.lists.ticket_lists import TicketLists
from tickets.lists.ticket_view import TicketView, TicketViews
from tickets.ticket.desk import Desk
from tickets.ticket.history import EventView, History

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
ViewChoice = Annotated[
    str,
    Query(
        pattern=r"^(mine|all|unassigned|viw_[0-9a-z]{1,90})$", description="A view everybody has, or a saved one's id."
    ),
]
AnId = Annotated[str | None, Query(max_length=100)]


class CountView(BaseModel):
    """How many there are, exact up to 1,000; with `more` there are more than it says."""

    count: int
    more: bool


class ShownTicketView(TicketView):
    """One ticket on its own page: with how many tickets its contact has that are open, and how many in all (V3)."""

    contact_open_tickets: CountView
    contact_tickets: CountView


class CountsView(BaseModel):
    """How many open tickets each view has; `unread` is null where the badge is switched off.

    `views` are saved views by id, the first 50 by name that the caller sees: what each shows.
    """

    mine: CountView
    unassigned: CountView
    all: CountView
    unread: CountView | None
    views: dict[str, CountView]


def _narrowing(
    status: Annotated[AnyStatus | None, Query(description="`open`, unless a saved view says otherwise.")] = None,
    assignee: AnId = None,
    team: AnId = None,
    channel: Channel | None = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
    priority: Priority | None = None,
    contact: AnId = None,
    q: Annotated[str | None, Query(min_length=1, max_length=500, description="Words to search for.")] = None,
    custom: AskedFields = None,
) -> Narrowing:
    return Narrowing(
        status=status,
        assignee_id=assignee,
        team_id=team,
        channel=channel,
        tag=tag,
        priority=priority,
        contact_id=contact,
        text=q,
        custom=custom,
    )


def tickets_router(desk: Desk, lists: TicketLists, views: TicketViews, history: History) -> Routes:
    """The routes."""
    router = Routes("/v1/tickets", tags=["tickets"])

    @router.get("")
    async def list_tickets(
        principal: Reader,
        narrowing: Annotated[Narrowing, Depends(_narrowing)],
        view: ViewChoice = "all",
        sort: Annotated[SortOrder | None, Query(description="`-updated_at`, or as the saved view says.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[TicketView]:
        """Tickets of one view, open ones unless `status` says otherwise; of a saved view, narrowed further if asked.

        `custom.<key>=<value>`, five times at most, narrows by custom fields: texts whatever their case (L8).
        """
        page = await lists.page(principal, view, narrowing, sort=sort, limit=limit, cursor=cursor)
        items = await views.many(principal.account_id, page.items, principal.agent_id)
        return PageOf(items=items, next_cursor=page.next_cursor)

    @router.get("/counts")
    async def count_tickets(principal: Reader) -> CountsView:
        """Open tickets per view, what saved views show, and the unread ones among *My inbox* and *Unassigned*."""
        return CountsView.model_validate(asdict(await lists.counts(principal)))

    @router.get("/{ticket_id}")
    async def show_ticket(principal: Reader, ticket_id: str) -> ShownTicketView:
        """One ticket."""
        ticket = await desk.load(principal.account_id, ticket_id)
        shown = await views.one(ticket, principal.agent_id)
        of_open, of_all = await lists.of_contact(principal.account_id, ticket.contact_id)
        counts = {"contact_open_tickets": asdict(of_open), "contact_tickets": asdict(of_all)}
        return ShownTicketView.model_validate({**shown.model_dump(), **counts})

    @router.get("/{ticket_id}/events")
    async def list_events(
        principal: Reader, ticket_id: str, limit: Limit = 200, cursor: Cursor = None
    ) -> PageOf[EventView]:
        """Everything that happened to a ticket, in order and without a gap (L5)."""
        ticket = await desk.load(principal.account_id, ticket_id)
        return await history.page(ticket, limit=limit, cursor=cursor)

    return router
