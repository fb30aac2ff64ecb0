"""`POST /v1/tickets/{id}/messages/{message_id}/redact`: for law and leaks, by admins (N1)."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from tickets.lists.message_view import MessageView
from tickets.writing.redacting import Redacting

Redactor = Annotated[Principal, Depends(requires(Permission.MESSAGES_REDACT))]


class RedactionRequest(BaseModel):
    """Why the message goes; it stays beside it, and is published."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


def redactions_router(redacting: Redacting) -> Routes:
    """The route."""
    router = Routes("/v1/tickets/{ticket_id}/messages/{message_id}", tags=["messages"])

    @router.post("/redact")
    async def redact_message(
        principal: Redactor,
        ticket_id: str,
        message_id: str,
        request: RedactionRequest,
        act: Annotated[Act, audited("message.redacted")],
    ) -> MessageView:
        """Take text and files of a message away for good, and out of the search; a second time changes nothing.

        Author, time, the SHA-256 of the text and the reason stay. What was sent to a customer before cannot be called
        back; other services hear of it by an event.
        """
        act.details["ticket_id"] = ticket_id
        return MessageView.of(await redacting.redact(principal, ticket_id, message_id, request.reason))

    return router
