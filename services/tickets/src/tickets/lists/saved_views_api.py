"""`/v1/views`: saved views of tickets (V1)."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.lists.narrowing import NEWEST_FIRST, SortOrder
from tickets.lists.saved_view_workflow import SavedViewWorkflow
from tickets.lists.saved_views import Column, SavedView, ViewFilter, ViewName

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]
Columns = Annotated[list[Column], Field(max_length=20)]


class NewView(BaseModel):
    """A view to save; private unless `shared`. `filter` says what `GET /v1/tickets` would be asked."""

    model_config = ConfigDict(extra="forbid")

    name: ViewName
    shared: bool = False
    filter: ViewFilter = ViewFilter()
    sort: SortOrder = NEWEST_FIRST
    columns: Columns = []


class ViewPatch(BaseModel):
    """What to change; what is absent stays, and `filter` is replaced whole."""

    model_config = ConfigDict(extra="forbid")

    name: ViewName | None = None
    shared: bool | None = None
    filter: ViewFilter | None = None
    sort: SortOrder | None = None
    columns: Columns | None = None

    @model_validator(mode="after")
    def _nothing_is_removed(self) -> "ViewPatch":
        if any(getattr(self, field) is None for field in self.model_fields_set):
            raise ValueError("what is given cannot be null")
        return self

    def given(self) -> dict[str, Any]:
        """What was said, as the view keeps it."""
        said = {field: getattr(self, field) for field in self.model_fields_set}
        return {**said, "columns": tuple(said["columns"])} if "columns" in said else said


class SavedViewView(BaseModel):
    """A saved view as the API shows one; its `id` is what `GET /v1/tickets?view=` takes."""

    id: str
    name: str
    shared: bool
    owner_id: str | None
    filter: ViewFilter
    sort: SortOrder
    columns: tuple[Column, ...]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, view: SavedView) -> "SavedViewView":
        """The public side of the document."""
        return cls.model_validate(view.model_dump())


def saved_views_router(workflow: SavedViewWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/views", tags=["views"])

    @router.get("")
    async def list_views(principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> PageOf[SavedViewView]:
        """Shared views and the caller's own, by name."""
        page = await workflow.page(principal, limit=limit, cursor=cursor)
        return PageOf(items=[SavedViewView.of(view) for view in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def save_view(
        principal: Writer, new: NewView, request_id: IdempotencyKey, act: Annotated[Act, audited("view.created")]
    ) -> SavedViewView:
        """Save a view; a private one needs an agent whose it is."""
        view = await workflow.create(
            principal,
            name=new.name,
            shared=new.shared,
            given=new.filter,
            sort=new.sort,
            columns=new.columns,
            request_id=request_id,
        )
        act.target_id = view.id
        act.details.update({"shared": view.shared})
        return SavedViewView.of(view)

    @router.get("/{view_id}")
    async def show_view(principal: Reader, view_id: str) -> SavedViewView:
        """One view; another agent's private one is not there."""
        return SavedViewView.of(await workflow.get(principal, view_id))

    @router.patch("/{view_id}")
    async def change_view(
        principal: Writer, view_id: str, patch: ViewPatch, _act: Annotated[Act, audited("view.changed")]
    ) -> SavedViewView:
        """Change a view of one's own; managers also change what all share."""
        return SavedViewView.of(await workflow.change(principal, view_id, patch.given()))

    @router.delete("/{view_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete_view(principal: Writer, view_id: str, _act: Annotated[Act, audited("view.deleted")]) -> None:
        """Remove a view of one's own; managers also remove what all share."""
        await workflow.delete(principal, view_id)

    return router
