"""Keeping the definitions of custom fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.tickets import CustomFieldType
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from service_kit.problem import Problem
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.custom.custom_fields import (
    CUSTOM_FIELDS_PER_ACCOUNT,
    HIDDEN_FIELDS_PER_ACCOUNT,
    CustomField,
    CustomScope,
    field_id,
)
from tickets.people.people_problems import too_many
from tickets.ticket.ticket_problems import no_such


@dataclass(frozen=True, slots=True)
class FieldWanted:
    """A custom field as somebody wants it."""

    scope: CustomScope
    key: str
    label: str
    type: CustomFieldType
    options: tuple[str, ...]
    required: bool
    order: int


class CustomFieldWorkflow:
    """Custom fields of an account."""

    def __init__(self, fields: CustomFieldStore, clock: Clock) -> None:
        self._fields = fields
        self._clock = clock

    async def page(
        self, account_id: str, scope: CustomScope | None, *, limit: int, cursor: str | None
    ) -> Page[CustomField]:
        """Fields in their order."""
        return await self._fields.page(account_id, scope, limit=limit, cursor=cursor)

    async def get(self, account_id: str, an_id: str) -> CustomField:
        """One field.

        Raises:
            Problem: this account has none of this id, or has deleted it.
        """
        field = await self._fields.find(account_id, an_id)
        if field is None or field.hidden:
            raise no_such("custom field")
        return field

    async def create(self, account_id: str, wanted: FieldWanted) -> CustomField:
        """Add one, or show a deleted one again; the same twice is one field.

        Raises:
            Problem: there are too many, or the key stands for another one.
        """
        an_id = field_id(account_id, wanted.scope, wanted.key)
        while True:
            known = await self._fields.find(account_id, an_id)
            if known is not None and _is_as(known, wanted):
                return known
            if known is not None:
                _require_reusable(known, wanted)
            await self._require_room(account_id)
            field = _made(account_id, wanted, known, self._clock)
            fate = await (self._fields.replace(field) if known else self._fields.insert(field))
            if fate is Fate.DONE:
                return field

    async def change(self, account_id: str, an_id: str, given: Mapping[str, Any]) -> CustomField:
        """Change the `given` ones of label, options, required and order; the last writer wins.

        Raises:
            Problem: this account has none of this id, or only a choice has options.
        """
        while True:
            field = await self.get(account_id, an_id)
            if "options" in given and field.type != "choice":
                raise Problem(422, "options_of_no_choice", "Only a field of type choice has options.")
            after = field.model_copy(update={**given, "updated_at": self._clock.now()})
            if await self._fields.replace(after) is Fate.DONE:
                return after

    async def hide(self, account_id: str, an_id: str) -> None:
        """Delete one: it is shown no more, and what it was set to stays.

        Raises:
            Problem: this account has none of this id, or too many that were deleted.
        """
        while True:
            field = await self.get(account_id, an_id)
            deleted = await self._fields.count(account_id, hidden=True, at_most=HIDDEN_FIELDS_PER_ACCOUNT)
            if deleted >= HIDDEN_FIELDS_PER_ACCOUNT:
                raise too_many("deleted custom fields", HIDDEN_FIELDS_PER_ACCOUNT)
            after = field.model_copy(update={"hidden": True, "updated_at": self._clock.now()})
            if await self._fields.replace(after) is Fate.DONE:
                return

    async def _require_room(self, account_id: str) -> None:
        shown = await self._fields.count(account_id, hidden=False, at_most=CUSTOM_FIELDS_PER_ACCOUNT)
        if shown >= CUSTOM_FIELDS_PER_ACCOUNT:
            raise too_many("custom fields", CUSTOM_FIELDS_PER_ACCOUNT)


def _require_reusable(known: CustomField, wanted: FieldWanted) -> None:
    if not known.hidden:
        raise Problem(409, "field_exists", f"There is a field {known.key!r} already.", id=known.id)
    if known.type != wanted.type:
        detail = f"{known.key!r} was a field of type {known.type}, and what it holds stays of that type."
        raise Problem(409, "field_type_fixed", detail)


def _is_as(known: CustomField, wanted: FieldWanted) -> bool:
    described = FieldWanted(known.scope, known.key, known.label, known.type, known.options, known.required, known.order)
    return not known.hidden and described == wanted


def _made(account_id: str, wanted: FieldWanted, known: CustomField | None, clock: Clock) -> CustomField:
    now = clock.now()
    return CustomField(
        id=field_id(account_id, wanted.scope, wanted.key),
        rev=known.rev if known else 0,
        account_id=account_id,
        scope=wanted.scope,
        key=wanted.key,
        label=wanted.label,
        type=wanted.type,
        options=wanted.options,
        required=wanted.required,
        order=wanted.order,
        created_at=known.created_at if known else now,
        updated_at=now,
    )
