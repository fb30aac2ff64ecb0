"""`/v1/macros`: reusable texts, and what they do besides."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.macros.macro_language import FILTERS, TAGS
from tickets.macros.macro_variables import VARIABLES
from tickets.macros.macro_workflow import MacroWanted, MacroWorkflow
from tickets.macros.macros import Macro, MacroActions, MacroCategory, MacroHtml, MacroName, MacroText

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.MACROS_WRITE))]

_TABLE = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items())
LANGUAGE = f"""Liquid, with these variables:

| variable | meaning |
|---|---|
{_TABLE}

Filters: {", ".join(f"`{name}`" for name in FILTERS)}. Tags: {", ".join(f"`{name}`" for name in TAGS)}.
What has no value is an error when the macro is used, unless a `default` stands behind it."""
"""The one table of what a macro may say; part of the OpenAPI document."""

Text = Annotated[MacroText, Field(description=LANGUAGE)]
Html = Annotated[MacroHtml, Field(description="The same as HTML, for mail; values are escaped.")]


class NewMacro(BaseModel):
    """A macro to add."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Refund",
                    "text": 'Hello {{ contact.first_name | default: "there" }}, order {{ order.number }} is refunded.',
                    "category": "Orders",
                    "actions": {"add_tags": ["refund"], "status": "snooze", "snooze": "tomorrow", "assignee": "me"},
                }
            ]
        },
    )

    name: MacroName
    text: Text
    html: Html | None = None
    category: MacroCategory | None = None
    actions: MacroActions = MacroActions()

    def wanted(self) -> MacroWanted:
        """The same for the workflow."""
        return MacroWanted(self.name, self.text, self.html, self.category, self.actions)


class MacroPatch(BaseModel):
    """What to change; what is absent stays, null removes `category` and `html`, and `actions` are replaced whole."""

    model_config = ConfigDict(extra="forbid")

    name: MacroName | None = None
    text: Text | None = None
    html: Html | None = None
    category: MacroCategory | None = None
    actions: MacroActions | None = None

    @model_validator(mode="after")
    def _name_and_text_stay(self) -> "MacroPatch":
        stays = ("name", "text", "actions")
        if any(field in self.model_fields_set and getattr(self, field) is None for field in stays):
            raise ValueError("name, text and actions cannot be removed")
        return self

    def given(self) -> dict[str, Any]:
        """What was said, as the macro keeps it."""
        return {field: getattr(self, field) for field in self.model_fields_set}


class MacroView(BaseModel):
    """A macro as the API shows one; a use is a message that was sent with it."""

    id: str
    name: str
    text: str
    html: str | None
    category: str | None
    actions: MacroActions
    times_used: int
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, macro: Macro) -> "MacroView":
        """The public side of the document."""
        return cls.model_validate(macro.model_dump(include=set(cls.model_fields)))


class MacroCategoryView(BaseModel):
    """A category in use."""

    name: str


class MacroVariableView(BaseModel):
    """A variable, as a macro says it in double braces."""

    name: str
    meaning: str


def macros_router(workflow: MacroWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/macros", tags=["macros"])

    @router.get("")
    async def list_macros(
        principal: Reader,
        category: Annotated[MacroCategory | None, Query(description="Of this category only.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[MacroView]:
        """Macros by name."""
        page = await workflow.page(principal.account_id, category, limit=limit, cursor=cursor)
        return PageOf(items=[MacroView.of(macro) for macro in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def add_macro(
        principal: Writer,
        new: NewMacro,
        request_id: IdempotencyKey,
        act: Annotated[Act, audited("macro.created")],
    ) -> MacroView:
        """Add a macro."""
        macro = await workflow.create(principal.account_id, new.wanted(), request_id=request_id)
        act.target_id = macro.id
        return MacroView.of(macro)

    @router.get("/categories")
    async def list_macro_categories(
        principal: Reader, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[MacroCategoryView]:
        """Categories that macros have, by name."""
        found = await workflow.categories(principal.account_id, cursor or "", limit=limit)
        is_full = len(found) == limit
        return PageOf(
            items=[MacroCategoryView(name=name) for name in found], next_cursor=found[-1] if is_full else None
        )

    @router.get("/variables")
    async def list_macro_variables(_principal: Reader) -> PageOf[MacroVariableView]:
        """What a macro may say; the same for every account, and one page."""
        return PageOf(items=[MacroVariableView(name=name, meaning=meaning) for name, meaning in VARIABLES.items()])

    @router.get("/{macro_id}")
    async def show_macro(principal: Reader, macro_id: str) -> MacroView:
        """One macro."""
        return MacroView.of(await workflow.get(principal.account_id, macro_id))

    @router.patch("/{macro_id}")
    async def change_macro(
        principal: Writer, macro_id: str, patch: MacroPatch, _act: Annotated[Act, audited("macro.changed")]
    ) -> MacroView:
        """Change a macro."""
        return MacroView.of(await workflow.change(principal.account_id, macro_id, patch.given()))

    @router.delete("/{macro_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete_macro(principal: Writer, macro_id: str, _act: Annotated[Act, audited("macro.deleted")]) -> None:
        """Remove a macro."""
        await workflow.delete(principal.account_id, macro_id)

    return router
