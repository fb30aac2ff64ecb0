"""`/v1/mentions`: the notes that name the agent who asks (N3)."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.people import Actor
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.mentions.mention import Mention
from tickets.mentions.mention_inbox import MentionInbox
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_store import TicketStore

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
OnlyRead = Annotated[bool | None, Query(description="Only those that were read, or were not; by default all.")]


class MentionView(BaseModel):
    """A note that names one. `number` and `subject` are its ticket's; null where that was forgotten."""

    id: str
    ticket_id: str
    number: int | None
    subject: str | None
    message_id: str
    by: Actor
    at: UtcDatetime
    read: bool

    @classmethod
    def of(cls, mention: Mention, tickets: Mapping[str, Ticket]) -> "MentionView":
        """The document, with what its ticket is called now."""
        ticket = tickets.get(mention.ticket_id)
        is_there = ticket is not None and ticket.account_id == mention.account_id and ticket.erased_at is None
        return cls(
            id=mention.id,
            ticket_id=mention.ticket_id,
            number=ticket.number if ticket is not None and is_there else None,
            subject=ticket.subject if ticket is not None and is_there else None,
            message_id=mention.message_id,
            by=mention.by,
            at=mention.at,
            read=mention.is_read,
        )


def mentions_router(inbox: MentionInbox, tickets: TicketStore) -> Routes:
    """The routes."""
    router = Routes("/v1/mentions", tags=["messages"])

    async def shown(mention: Mention) -> MentionView:
        return MentionView.of(mention, await tickets.get_many([mention.ticket_id]))

    @router.get("")
    async def list_mentions(
        principal: Reader, read: OnlyRead = None, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[MentionView]:
        """The notes that name the agent who asks: those not read first, then the latest."""
        page = await inbox.page(principal, is_read=read, limit=limit, cursor=cursor)
        named = await tickets.get_many({one.ticket_id for one in page.items})
        return PageOf(items=[MentionView.of(one, named) for one in page.items], next_cursor=page.next_cursor)

    @router.post("/{mention_id}/read")
    async def mark_mention_read(principal: Reader, mention_id: str) -> MentionView:
        """Mark as read; reading the whole ticket does so too."""
        return await shown(await inbox.mark(principal, mention_id, read=True))

    @router.post("/{mention_id}/unread")
    async def mark_mention_unread(principal: Reader, mention_id: str) -> MentionView:
        """Mark as not read: it comes first again."""
        return await shown(await inbox.mark(principal, mention_id, read=False))

    return router
