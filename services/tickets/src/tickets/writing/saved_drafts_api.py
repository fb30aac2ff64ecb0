"""`/v1/tickets/{id}/draft` and `/v1/agents/me/drafts`: what one has not sent yet."""

from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import UtcDatetime
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.writing.saved_draft_workflow import SavedDrafts
from tickets.writing.saved_drafts import DraftHtml, DraftKind, DraftText, SavedDraft, Written

Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]


class NewDraft(BaseModel):
    """A draft as it stands; `base_seq` is the newest event of the ticket that its writer has seen, by default all."""

    model_config = ConfigDict(extra="forbid")

    kind: DraftKind = "reply"
    text: DraftText
    html: DraftHtml | None = None
    base_seq: Annotated[int | None, Field(ge=0, le=10**9)] = None


class DraftView(BaseModel):
    """A draft as its writer sees it. What happened after `base_seq` was not known when it was written."""

    ticket_id: str
    kind: DraftKind
    text: str
    html: str | None
    base_seq: int
    version: int
    created_at: UtcDatetime
    updated_at: UtcDatetime

    @classmethod
    def of(cls, draft: SavedDraft) -> "DraftView":
        """The document, without whose it is: only they ever see it."""
        return cls.model_validate(draft.model_dump(exclude={"id", "rev", "account_id", "agent_id"}))


def saved_drafts_router(drafts: SavedDrafts) -> Routes:
    """The routes."""
    router = Routes("/v1", tags=["drafts"])

    @router.get("/tickets/{ticket_id}/draft")
    async def show_draft(principal: Writer, ticket_id: str) -> DraftView:
        """The draft of the agent who asks."""
        return DraftView.of(await drafts.get(principal, ticket_id))

    @router.put("/tickets/{ticket_id}/draft")
    async def save_draft(principal: Writer, ticket_id: str, new: NewDraft, expected: IfMatch) -> DraftView:
        """Keep what was written so far; `If-Match` is the draft's version, 0 for the first.

        With it, a window that saves late does not bring back what was sent from another one.
        """
        written = Written(new.kind, new.text, new.html, new.base_seq)
        draft = await drafts.put(principal, ticket_id, written, expected=expected)
        return DraftView.of(draft)

    @router.delete("/tickets/{ticket_id}/draft", status_code=status.HTTP_204_NO_CONTENT)
    async def drop_draft(principal: Writer, ticket_id: str) -> None:
        """Forget it; again changes nothing."""
        await drafts.discard(principal, ticket_id)

    @router.get("/agents/me/drafts")
    async def list_drafts(principal: Writer, limit: Limit = 50, cursor: Cursor = None) -> PageOf[DraftView]:
        """All drafts of the agent who asks, the latest first."""
        page = await drafts.page(principal, limit=limit, cursor=cursor)
        return PageOf(items=[DraftView.of(draft) for draft in page.items], next_cursor=page.next_cursor)

    return router
