"""Setting the custom fields of tickets, and showing those of contacts under their definitions (L8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.problem import Problem
from tickets.contacts.contact_store import ContactStore
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.custom.custom_fields import CustomField, CustomValue, misfit, misfits
from tickets.custom.custom_values import customised
from tickets.ticket.desk import Desk
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import no_such, require_unmerged


@dataclass(frozen=True, slots=True)
class ReportedField:
    """A custom field of a contact: what an outside system said, kept as it said it. `fits`: as the definition asks."""

    field: CustomField
    value: Any
    fits: bool


class CustomSetting:
    """Values of custom fields."""

    def __init__(self, desk: Desk, fields: CustomFieldStore, contacts: ContactStore, clock: Clock) -> None:
        self._desk = desk
        self._fields = fields
        self._contacts = contacts
        self._clock = clock

    async def set(
        self, principal: Principal, ticket_id: str, values: Mapping[str, CustomValue | None], expected: int | None
    ) -> Ticket:
        """The ticket with these values; None takes one away, and what is not named stays.

        Raises:
            Problem: there is no such ticket, it changed meanwhile (412), or values do not fit (422, one error each).
        """
        await self._desk.load(principal.account_id, ticket_id)
        fields = await self._fields.shown(principal.account_id, "ticket")
        wrong = misfits(fields, values)
        if wrong:
            errors = [{"field": key, "message": f"{key} {reason}"} for key, reason in wrong.items()]
            raise Problem(422, "invalid_custom_values", errors[0]["message"], errors=errors)

        def edit(ticket: Ticket) -> Ticket:
            require_unmerged(ticket)
            return customised(ticket, fields, values, actor=principal.actor, now=self._clock.now())

        return await self._desk.change(principal.account_id, ticket_id, edit, expected=expected)

    async def of_contact(self, account_id: str, contact_id: str) -> tuple[list[ReportedField], Mapping[str, Any]]:
        """Each field that is defined for contacts with its value, and the values that nobody defined.

        Raises:
            Problem: there is no such contact.
        """
        contact = await self._contacts.get(account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        fields = await self._fields.shown(account_id, "contact")
        said = {key: one.value for key, one in contact.custom.items()}
        defined = [ReportedField(field, said.get(key), _fits(field, said.get(key))) for key, field in fields.items()]
        return defined, {key: value for key, value in said.items() if key not in fields}


def _fits(field: CustomField, value: Any) -> bool:
    if value is None:
        return not field.required
    return isinstance(value, bool | int | float | str) and misfit(field, value) is None
