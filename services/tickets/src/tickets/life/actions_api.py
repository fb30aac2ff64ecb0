"""`/v1/tickets/{id}/…`: what agents do with a ticket, apart from writing."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.envelope import UtcDatetime
from contracts.tickets import Priority
from service_kit.auth import Permission, Principal, requires
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.life.snooze_presets import SnoozePreset
from tickets.life.ticket_actions import TicketActions
from tickets.life.ticket_edits import Assignee, SnoozeEnd
from tickets.lists.ticket_view import TicketView, TicketViews
from tickets.mentions.mention_inbox import MentionInbox

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]


class AssigneeChoice(BaseModel):
    """Whom to give a ticket to; `agent_id` null takes it back to *Unassigned*. Without `team_id` the team stays."""

    model_config = ConfigDict(extra="forbid")

    agent_id: Annotated[str | None, Field(max_length=100)]
    team_id: Annotated[str | None, Field(max_length=100)] = None

    def assignee(self) -> Assignee:
        """The same for the workflow."""
        return Assignee(self.agent_id, self.team_id, keeps_team="team_id" not in self.model_fields_set)


class Tags(BaseModel):
    """The tags a ticket shall have."""

    model_config = ConfigDict(extra="forbid")

    tags: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]], Field(max_length=50)
    ]


class PriorityChoice(BaseModel):
    """How pressing a ticket shall be."""

    model_config = ConfigDict(extra="forbid")

    priority: Priority


class Snooze(BaseModel):
    """Until when a ticket is out of sight: a moment, or what people call one, where the company is."""

    model_config = ConfigDict(extra="forbid")

    until: UtcDatetime | None = None
    preset: SnoozePreset | None = None

    @model_validator(mode="after")
    def _says_one(self) -> "Snooze":
        if (self.until is None) == (self.preset is None):
            raise ValueError("say either `until` or `preset`")
        return self

    @property
    def end(self) -> SnoozeEnd:
        """Whichever was said."""
        return self.until or self.preset or "later_today"


def actions_router(actions: TicketActions, views: TicketViews, mentions: MentionInbox) -> Routes:
    """The routes. They are to be included before those that read `/v1/tickets/{id}`."""
    router = Routes("/v1/tickets", tags=["tickets"])

    @router.put("/{ticket_id}/assignee")
    async def assign(principal: Writer, ticket_id: str, choice: AssigneeChoice, expected: IfMatch) -> TicketView:
        """Assign by hand; it wins over any automatic assignment (A6, A8)."""
        ticket = await actions.assign(principal, ticket_id, choice.assignee(), expected)
        return await views.one(ticket, principal.agent_id)

    @router.put("/{ticket_id}/tags")
    async def tag(principal: Writer, ticket_id: str, tags: Tags, expected: IfMatch) -> TicketView:
        """Give the ticket exactly these tags."""
        return await views.one(await actions.tag(principal, ticket_id, tags.tags, expected), principal.agent_id)

    @router.put("/{ticket_id}/priority")
    async def prioritise(principal: Writer, ticket_id: str, choice: PriorityChoice, expected: IfMatch) -> TicketView:
        """Make the ticket as pressing as that (L8); it is `normal` until somebody does."""
        ticket = await actions.prioritise(principal, ticket_id, choice.priority, expected)
        return await views.one(ticket, principal.agent_id)

    @router.post("/{ticket_id}/close")
    async def close(principal: Writer, ticket_id: str, expected: IfMatch) -> TicketView:
        """Close; closing again changes nothing."""
        return await views.one(await actions.close(principal, ticket_id, expected), principal.agent_id)

    @router.post("/{ticket_id}/reopen")
    async def reopen(principal: Writer, ticket_id: str, expected: IfMatch) -> TicketView:
        """Reopen a closed mail or SMS ticket, a chat never (L3); end the snooze of any (L2)."""
        return await views.one(await actions.reopen(principal, ticket_id, expected), principal.agent_id)

    @router.post("/{ticket_id}/snooze")
    async def snooze(principal: Writer, ticket_id: str, snooze: Snooze, expected: IfMatch) -> TicketView:
        """Hide until a moment, or until the customer writes (L2)."""
        ticket = await actions.snooze(principal, ticket_id, snooze.end, expected)
        return await views.one(ticket, principal.agent_id)

    @router.post("/{ticket_id}/read")
    async def mark_read(principal: Reader, ticket_id: str) -> TicketView:
        """Mark as read by the agent who asks (V2), with what names them there (N3)."""
        ticket = await actions.mark(principal, ticket_id, read=True)
        await mentions.read_in(principal, ticket_id)
        return await views.one(ticket, principal.agent_id)

    @router.post("/{ticket_id}/unread")
    async def mark_unread(principal: Reader, ticket_id: str) -> TicketView:
        """Mark as unread by the agent who asks (V2)."""
        return await views.one(await actions.mark(principal, ticket_id, read=False), principal.agent_id)

    return router
