"""`POST /v1/tickets/{id}/merge`: making one ticket part of another (L7)."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.lists.ticket_view import TicketView, TicketViews
from tickets.reshaping.merging import Merging

Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]


class Merge(BaseModel):
    """Which ticket to become part of; `across_contacts` says that two customers' threads are meant to become one."""

    model_config = ConfigDict(extra="forbid")

    into: Annotated[str, Field(min_length=1, max_length=100)]
    across_contacts: bool = False


def merge_router(merging: Merging, views: TicketViews) -> Routes:
    """The route."""
    router = Routes("/v1/tickets/{ticket_id}", tags=["tickets"])

    @router.post("/merge")
    async def merge(
        principal: Writer,
        ticket_id: str,
        merge: Merge,
        expected: IfMatch,
        act: Annotated[Act, audited("ticket.merged")],
    ) -> TicketView:
        """Close the ticket and carry its thread on in another one; the same again changes nothing (L7).

        Its messages show in the other's thread, and what the customer writes to it from now on joins the other.
        Nothing is sent to anybody. It cannot be undone. Refused: `merge_with_itself`, `already_merged`,
        `target_merged`, `contacts_differ` (unless `across_contacts`), `target_closed` (while this one is not),
        `too_many_merged`; a ticket of another account is 404.
        """
        act.details["into"] = merge.into
        merged = await merging.merge(
            principal, ticket_id, merge.into, across_contacts=merge.across_contacts, expected=expected
        )
        return await views.one(merged, principal.agent_id)

    return router
