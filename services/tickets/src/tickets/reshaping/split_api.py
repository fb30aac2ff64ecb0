"""`POST /v1/tickets/{id}/split`: making two tickets of one (L7)."""

from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, Field

from service_kit.auth import Permission, Principal, requires
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.lists.ticket_view import TicketView, TicketViews
from tickets.reshaping.split import MAX_SPLIT_MESSAGES
from tickets.reshaping.splitting import Splitting

Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]


class Split(BaseModel):
    """Which messages become a ticket of their own; without `subject` it is called as the first one."""

    model_config = ConfigDict(extra="forbid")

    message_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1, max_length=MAX_SPLIT_MESSAGES)
    ]
    subject: Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"\S")] = None


def split_router(splitting: Splitting, views: TicketViews) -> Routes:
    """The route."""
    router = Routes("/v1/tickets/{ticket_id}", tags=["tickets"])

    @router.post("/split", status_code=status.HTTP_201_CREATED)
    async def split(
        principal: Writer, ticket_id: str, split: Split, expected: IfMatch, request_id: IdempotencyKey
    ) -> TicketView:
        """Move messages of the ticket to a new, open one of the same customer; each links to the other (L7).

        What answers a moved mail joins the new ticket. Nothing is sent to anybody. Refused: `unknown_message` (not
        in this thread), `nothing_left` (it would be empty), `ticket_merged`.
        """
        new = await splitting.split(
            principal, ticket_id, split.message_ids, subject=split.subject, expected=expected, request_id=request_id
        )
        return await views.one(new, principal.agent_id)

    return router
