"""`/v1/macros`: reusable texts."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, model_validator

from service_kit.auth import Permission, Principal, requires
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.macro_workflow import MacroWorkflow
from tickets.macros import Macro, MacroCategory, MacroName, MacroText

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.MACROS_WRITE))]


class NewMacro(BaseModel):
    """A macro to add; `text` may say `{{ contact.name }}`, `{{ ticket.number }}` and `{{ agent.name }}`."""

    model_config = ConfigDict(extra="forbid")

    name: MacroName
    text: MacroText
    category: MacroCategory | None = None


class MacroPatch(BaseModel):
    """What to change; what is absent stays, and a null `category` removes it."""

    model_config = ConfigDict(extra="forbid")

    name: MacroName | None = None
    text: MacroText | None = None
    category: MacroCategory | None = None

    @model_validator(mode="after")
    def _name_and_text_stay(self) -> "MacroPatch":
        if any(field in self.model_fields_set and getattr(self, field) is None for field in ("name", "text")):
            raise ValueError("name and text cannot be removed")
        return self


class MacroView(BaseModel):
    """A macro as the API shows one."""

    id: str
    name: str
    text: str
    category: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, macro: Macro) -> "MacroView":
        """The public side of the document."""
        return cls(
            id=macro.id,
            name=macro.name,
            text=macro.text,
            category=macro.category,
            created_at=macro.created_at,
            updated_at=macro.updated_at,
        )


def macros_router(workflow: MacroWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/macros", tags=["macros"])

    @router.get("")
    async def list_macros(principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> PageOf[MacroView]:
        """Macros by name."""
        page = await workflow.page(principal.account_id, limit=limit, cursor=cursor)
        return PageOf(items=[MacroView.of(macro) for macro in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def add_macro(principal: Writer, new: NewMacro, request_id: IdempotencyKey) -> MacroView:
        """Add a macro."""
        macro = await workflow.create(
            principal.account_id, name=new.name, text=new.text, category=new.category, request_id=request_id
        )
        return MacroView.of(macro)

    @router.get("/{macro_id}")
    async def show_macro(principal: Reader, macro_id: str) -> MacroView:
        """One macro."""
        return MacroView.of(await workflow.get(principal.account_id, macro_id))

    @router.patch("/{macro_id}")
    async def change_macro(principal: Writer, macro_id: str, patch: MacroPatch) -> MacroView:
        """Change a macro."""
        given = patch.model_dump(exclude_unset=True)
        return MacroView.of(await workflow.change(principal.account_id, macro_id, given))

    @router.delete("/{macro_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete_macro(principal: Writer, macro_id: str) -> None:
        """Remove a macro."""
        await workflow.delete(principal.account_id, macro_id)

    return router
