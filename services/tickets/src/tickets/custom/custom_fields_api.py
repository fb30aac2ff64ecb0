"""`/v1/custom-fields`, and their values in tickets and contacts (L8)."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from contracts.tickets import CustomFieldType
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from service_kit.http.versions import IfMatch
from tickets.custom.custom_field_workflow import CustomFieldWorkflow, FieldWanted
from tickets.custom.custom_fields import (
    CUSTOM_FIELDS_PER_ACCOUNT,
    CustomField,
    CustomScope,
    FieldKey,
    FieldLabel,
    FieldOption,
    FieldOrder,
)
from tickets.custom.custom_setting import CustomSetting, ReportedField
from tickets.lists.ticket_view import TicketView, TicketViews

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]
Keeper = Annotated[Principal, Depends(requires(Permission.SETTINGS_MANAGE))]
Options = Annotated[list[FieldOption], Field(max_length=100)]
GivenValue = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=1_000)] | None


class NewCustomField(BaseModel):
    """A field to add. `type` never changes; `options` are what a choice may be.

    A `required` field cannot be emptied once it is set. A deleted field of the same key and type is shown again, with
    what it was set to.
    """

    model_config = ConfigDict(extra="forbid")

    scope: CustomScope
    key: FieldKey
    label: FieldLabel
    type: CustomFieldType
    options: Options = []
    required: bool = False
    order: FieldOrder = 0

    @model_validator(mode="after")
    def _only_choices_have_options(self) -> "NewCustomField":
        if (self.type == "choice") != bool(self.options):
            raise ValueError("a choice needs options, and nothing else has any")
        _require_different(self.options)
        return self

    def wanted(self) -> FieldWanted:
        """The same for the workflow."""
        return FieldWanted(self.scope, self.key, self.label, self.type, tuple(self.options), self.required, self.order)


class CustomFieldPatch(BaseModel):
    """What to change; what is absent stays. Tickets keep an option that is taken away until they are set anew."""

    model_config = ConfigDict(extra="forbid")

    label: FieldLabel | None = None
    options: Annotated[Options, Field(min_length=1)] | None = None
    required: bool | None = None
    order: FieldOrder | None = None

    @model_validator(mode="after")
    def _nothing_is_removed(self) -> "CustomFieldPatch":
        if any(getattr(self, field) is None for field in self.model_fields_set):
            raise ValueError("what is given cannot be null")
        _require_different(self.options or [])
        return self

    def given(self) -> dict[str, Any]:
        """What was said, as the definition keeps it."""
        said = {field: getattr(self, field) for field in self.model_fields_set}
        return {**said, "options": tuple(said["options"])} if "options" in said else said


class CustomFieldView(BaseModel):
    """A field as the API shows one."""

    id: str
    scope: CustomScope
    key: str
    label: str
    type: CustomFieldType
    options: tuple[str, ...]
    required: bool
    order: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, field: CustomField) -> "CustomFieldView":
        """The public side of the document."""
        return cls.model_validate(field.model_dump(exclude={"rev", "account_id", "hidden"}))


class CustomValues(BaseModel):
    """Values by key; null takes one away, and what is not named stays. A date is a text such as `2026-11-20`."""

    model_config = ConfigDict(extra="forbid")

    values: Annotated[dict[FieldKey, GivenValue], Field(min_length=1, max_length=CUSTOM_FIELDS_PER_ACCOUNT)]


class ReportedFieldView(BaseModel):
    """A field of a contact; `value` is as an outside system said it, and `fits` whether it is as defined."""

    key: str
    label: str
    type: CustomFieldType
    value: Any
    fits: bool

    @classmethod
    def of(cls, reported: ReportedField) -> "ReportedFieldView":
        """The public side."""
        field = reported.field
        return cls(key=field.key, label=field.label, type=field.type, value=reported.value, fits=reported.fits)


class ContactCustomView(BaseModel):
    """The custom fields of a contact: those that are defined, in their order, and `other` values that were reported."""

    fields: list[ReportedFieldView]
    other: dict[str, Any]


def custom_fields_router(workflow: CustomFieldWorkflow) -> Routes:
    """The routes of definitions."""
    router = Routes("/v1/custom-fields", tags=["custom fields"])

    @router.get("")
    async def list_custom_fields(
        principal: Reader,
        scope: Annotated[CustomScope | None, Query(description="Of tickets or of contacts only.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[CustomFieldView]:
        """Fields by `order`, then by key; deleted ones are not there."""
        page = await workflow.page(principal.account_id, scope, limit=limit, cursor=cursor)
        return PageOf(items=[CustomFieldView.of(field) for field in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def add_custom_field(
        principal: Keeper, new: NewCustomField, act: Annotated[Act, audited("custom_field.created")]
    ) -> CustomFieldView:
        """Add a field; the same twice is one."""
        field = await workflow.create(principal.account_id, new.wanted())
        act.target_id = field.id
        return CustomFieldView.of(field)

    @router.get("/{field_id}")
    async def show_custom_field(principal: Reader, field_id: str) -> CustomFieldView:
        """One field."""
        return CustomFieldView.of(await workflow.get(principal.account_id, field_id))

    @router.patch("/{field_id}")
    async def change_custom_field(
        principal: Keeper,
        field_id: str,
        patch: CustomFieldPatch,
        _act: Annotated[Act, audited("custom_field.changed")],
    ) -> CustomFieldView:
        """Change a field; its type and key stay."""
        return CustomFieldView.of(await workflow.change(principal.account_id, field_id, patch.given()))

    @router.delete("/{field_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete_custom_field(
        principal: Keeper, field_id: str, _act: Annotated[Act, audited("custom_field.deleted")]
    ) -> None:
        """Delete a field: it is hidden, and what it was set to stays."""
        await workflow.hide(principal.account_id, field_id)

    return router


def custom_values_router(setting: CustomSetting, views: TicketViews) -> Routes:
    """The routes of values."""
    router = Routes("/v1", tags=["custom fields"])

    @router.put("/tickets/{ticket_id}/custom")
    async def set_custom_values(
        principal: Writer, ticket_id: str, given: CustomValues, expected: IfMatch
    ) -> TicketView:
        """Set custom fields of a ticket (L8)."""
        ticket = await setting.set(principal, ticket_id, given.values, expected)
        return await views.one(ticket, principal.agent_id)

    @router.get("/contacts/{contact_id}/custom")
    async def show_contact_custom(principal: Reader, contact_id: str) -> ContactCustomView:
        """The custom fields of a contact under their definitions, as outside systems reported them (V3)."""
        defined, other = await setting.of_contact(principal.account_id, contact_id)
        return ContactCustomView(fields=[ReportedFieldView.of(one) for one in defined], other=dict(other))

    return router


def _require_different(options: list[str]) -> None:
    if len(set(options)) < len(options):
        raise ValueError("options must differ")
