"""`/v1/tickets/{id}/messages` and `…/notes`: reading and writing a thread."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service_kit.auth import Permission, Principal, requires
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, PageOf
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.lists.message_view import MessageView
from tickets.macros.macro_use import MacroUse
from tickets.mentions.mention_resolution import MentionResolution
from tickets.mentions.mentions import MOST_MENTIONED
from tickets.ticket.desk import Desk
from tickets.writing.attachments import MAX_FILES, NewAttachment
from tickets.writing.saved_draft_workflow import SavedDrafts
from tickets.writing.threads import Threads
from tickets.writing.writing import Draft, Writing

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]
Text = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]
Force = Annotated[bool, Query(description="Send although the ticket has changed since.")]


class NewReply(BaseModel):
    """A public reply; `html` goes beside `text` in mail.

    With `macro_id` the macro's actions are done in the same step (N2). Without `text` the macro is filled in for it;
    with `text`, that is sent as it is.
    """

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    html: Annotated[str | None, Field(max_length=500_000)] = None
    attachments: Annotated[list[NewAttachment], Field(max_length=MAX_FILES)] = []
    force: bool = False
    macro_id: Annotated[str | None, Field(min_length=1, max_length=100)] = None

    @model_validator(mode="after")
    def _says_something(self) -> "NewReply":
        if self.text is None and (self.macro_id is None or self.html is not None):
            raise ValueError("text is missing")
        return self


class NewNote(BaseModel):
    """An internal note. Agents whom it mentions are told: `mentions`, `@ann@acme.example`, `@"Ann Lee"` in its text."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    mentions: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=MOST_MENTIONED)
    ] = []


def messages_router(
    desk: Desk,
    threads: Threads,
    writing: Writing,
    macro_use: MacroUse,
    mention_resolution: MentionResolution,
    saved_drafts: SavedDrafts,
) -> Routes:
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
        draft = Draft(new.text or "", new.html, new.attachments)
        expected = None if force or new.force else expected
        if new.macro_id is None:
            message = await writing.reply(principal, ticket_id, draft, expected=expected, request_id=request_id)
        else:
            message = await macro_use.reply(
                principal, ticket_id, new.macro_id, draft, expected=expected, request_id=request_id
            )
        await saved_drafts.sent(principal, ticket_id, "reply")
        return MessageView.of(message)

    @router.post("/notes", status_code=status.HTTP_201_CREATED)
    async def add_note(
        principal: Writer, ticket_id: str, new: NewNote, expected: IfMatch, request_id: IdempotencyKey
    ) -> MessageView:
        """Add a note that only agents see (N1, W5), and tell those whom it mentions (N3)."""
        mentions = await mention_resolution.resolve(principal, new.text, new.mentions)
        message = await writing.note(
            principal, ticket_id, new.text, mentions=mentions, expected=expected, request_id=request_id
        )
        await saved_drafts.sent(principal, ticket_id, "note")
        return MessageView.of(message)

    @router.get(
        "/messages/{message_id}/attachments/{attachment_id}",
        response_class=Response,
        responses={200: {"content": {"*/*": {}}}},
    )
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
