"""`/v1/tickets/{id}/messages` and `…/notes`: reading and writing a thread."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from service_kit.auth import Permission, Principal, requires
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, PageOf
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.attachments import MAX_FILES, NewAttachment
from tickets.desk import Desk
from tickets.message_view import MessageView
from tickets.threads import Threads
from tickets.writing import Draft, Writing

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]
Text = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]
Force = Annotated[bool, Query(description="Send although the ticket has changed since.")]


class NewReply(BaseModel):
    """A public reply; `html` goes beside `text` in mail."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    html: Annotated[str | None, Field(max_length=500_000)] = None
    attachments: Annotated[list[NewAttachment], Field(max_length=MAX_FILES)] = []
    force: bool = False


class NewNote(BaseModel):
    """An internal note."""

    model_config = ConfigDict(extra="forbid")

    text: Text


def messages_router(desk: Desk, threads: Threads, writing: Writing) -> Routes:
    """The routes."""
    router = Routes("/v1/tickets/{ticket_id}", tags=["messages"])

    @router.get("/messages")
    async def list_messages(
        principal: Reader,
        ticket_id: str,
        limit: Annotated[int, Query(ge=1, le=50)] = 50,
        cursor: Cursor = None,
    ) -> PageOf[MessageView]:
        """The newest messages, oldest first; `next_cursor` leads to the ones before (V3)."""
        ticket = await desk.load(principal.account_id, ticket_id)
        page = await threads.page(ticket, limit=limit, cursor=cursor)
        return PageOf(items=[MessageView.of(message) for message in page.items], next_cursor=page.next_cursor)

    @router.post("/messages", status_code=status.HTTP_201_CREATED)
    async def reply(
        principal: Writer,
        ticket_id: str,
        new: NewReply,
        expected: IfMatch,
        request_id: IdempotencyKey,
        force: Force = False,  # noqa: FBT002 - a query parameter
    ) -> MessageView:
        """Answer the customer; refused with what was missed if somebody wrote meanwhile, unless `force` (L6)."""
        draft = Draft(new.text, new.html, new.attachments)
        expected = None if force or new.force else expected
        message = await writing.reply(principal, ticket_id, draft, expected=expected, request_id=request_id)
        return MessageView.of(message)

    @router.post("/notes", status_code=status.HTTP_201_CREATED)
    async def add_note(
        principal: Writer, ticket_id: str, new: NewNote, expected: IfMatch, request_id: IdempotencyKey
    ) -> MessageView:
        """Add a note that only agents see (N1, W5)."""
        message = await writing.note(principal, ticket_id, new.text, expected=expected, request_id=request_id)
        return MessageView.of(message)

    @router.get("/messages/{message_id}/attachments/{attachment_id}")
    async def download_attachment(principal: Reader, ticket_id: str, message_id: str, attachment_id: str) -> Response:
        """The bytes of a file, never to be shown in our own origin."""
        ticket = await desk.load(principal.account_id, ticket_id)
        file = await threads.file(ticket, message_id, attachment_id)
        return Response(file.data, media_type=file.content_type, headers=_download_headers(file.name))

    return router


def _download_headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
