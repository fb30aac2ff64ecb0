"""`/v1/contact-event-filters`: saved filters for what contacts did elsewhere (V3)."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, model_validator

from service_kit.auth import Permission, Principal, requires
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.contacts.contact_event_filter_workflow import ContactEventFilters
from tickets.contacts.contact_event_filters import ContactEventFilter, EventChoice, FilterName

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.CONTACTS_WRITE))]


class NewEventFilter(BaseModel):
    """A filter to save; everybody of the account sees it."""

    model_config = ConfigDict(extra="forbid")

    name: FilterName
    choice: EventChoice = EventChoice()


class EventFilterPatch(BaseModel):
    """What to change; what is absent stays, and `choice` is replaced whole."""

    model_config = ConfigDict(extra="forbid")

    name: FilterName | None = None
    choice: EventChoice | None = None

    @model_validator(mode="after")
    def _nothing_is_removed(self) -> "EventFilterPatch":
        if any(getattr(self, field) is None for field in self.model_fields_set):
            raise ValueError("what is given cannot be null")
        return self


class EventFilterView(BaseModel):
    """A filter as the API shows one; its `id` is what `GET /v1/contacts/{id}/events?filter=` takes."""

    id: str
    name: str
    choice: EventChoice
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, one: ContactEventFilter) -> "EventFilterView":
        """The public side of the document."""
        return cls(id=one.id, name=one.name, choice=one.choice, created_at=one.created_at, updated_at=one.updated_at)


def contact_event_filters_router(filters: ContactEventFilters) -> Routes:
    """The routes."""
    router = Routes("/v1/contact-event-filters", tags=["contacts"])

    @router.get("")
    async def list_event_filters(
        principal: Reader, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[EventFilterView]:
        """All filters of the account, by name."""
        page = await filters.page(principal, limit=limit, cursor=cursor)
        return PageOf(items=[EventFilterView.of(one) for one in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def save_event_filter(principal: Writer, new: NewEventFilter, request_id: IdempotencyKey) -> EventFilterView:
        """Save a filter for all agents."""
        return EventFilterView.of(await filters.create(principal, new.name, new.choice, request_id=request_id))

    @router.get("/{filter_id}")
    async def show_event_filter(principal: Reader, filter_id: str) -> EventFilterView:
        """One filter."""
        return EventFilterView.of(await filters.get(principal, filter_id))

    @router.patch("/{filter_id}")
    async def change_event_filter(principal: Writer, filter_id: str, patch: EventFilterPatch) -> EventFilterView:
        """Change a filter; the last writer wins."""
        return EventFilterView.of(await filters.change(principal, filter_id, name=patch.name, choice=patch.choice))

    @router.delete("/{filter_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete_event_filter(principal: Writer, filter_id: str) -> None:
        """Remove a filter."""
        await filters.delete(principal, filter_id)

    return router
