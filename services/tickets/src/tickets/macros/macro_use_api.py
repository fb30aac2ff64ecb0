"""`/v1/tickets/{id}/macros/{id}/preview`: what a macro would say and do."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.tickets import Priority, Status
from service_kit.auth import Permission, Principal, requires
from service_kit.http.routes import Routes
from tickets.macros.macro_actions import Standing
from tickets.macros.macro_use import MacroPreview, MacroUse

Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]


class StandingView(BaseModel):
    """What a macro may change of a ticket."""

    status: Status
    snoozed_until: UtcDatetime | None
    assignee_id: str | None
    priority: Priority
    tags: tuple[str, ...]

    @classmethod
    def of(cls, standing: Standing) -> "StandingView":
        """The public side."""
        return cls(
            status=standing.status,
            snoozed_until=standing.snoozed_until,
            assignee_id=standing.assignee_id,
            priority=standing.priority,
            tags=tuple(standing.tags),
        )


class MacroPreviewView(BaseModel):
    """What the customer would be sent; `changes` names what differs between `before` and `after`."""

    text: str
    html: str | None
    changes: list[str]
    before: StandingView
    after: StandingView

    @classmethod
    def of(cls, preview: MacroPreview) -> "MacroPreviewView":
        """The public side."""
        before, after = StandingView.of(preview.before), StandingView.of(preview.after)
        changes = [name for name in StandingView.model_fields if getattr(before, name) != getattr(after, name)]
        return cls(text=preview.text, html=preview.html, changes=changes, before=before, after=after)


def macro_use_router(macro_use: MacroUse) -> Routes:
    """The routes."""
    router = Routes("/v1/tickets/{ticket_id}", tags=["macros"])

    @router.post("/macros/{macro_id}/preview")
    async def preview_macro(principal: Writer, ticket_id: str, macro_id: str) -> MacroPreviewView:
        """What a macro would say and do; 422 `missing_variables` names what has no value. Nothing is changed."""
        return MacroPreviewView.of(await macro_use.preview(principal, ticket_id, macro_id))

    return router
