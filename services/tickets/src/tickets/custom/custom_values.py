"""The custom fields of a ticket being set (L8). Pure."""

from collections.abc import Mapping
from datetime import datetime

from contracts.people import Actor
from contracts.tickets import CustomFieldChange, TicketCustomFieldsChanged
from tickets.custom.custom_fields import CustomField, CustomValue
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_events import changed, say


def customised(
    ticket: Ticket,
    fields: Mapping[str, CustomField],
    values: Mapping[str, CustomValue | None],
    *,
    actor: Actor,
    now: datetime,
) -> Ticket:
    """The ticket with values that fit their `fields`, None taking one away; what is not named stays as it is."""
    changes = [
        _change(fields[key], ticket.custom.get(key), value)
        for key, value in values.items()
        if not _is_same(ticket.custom.get(key), value)
    ]
    if not changes:
        return ticket
    merged: dict[str, CustomValue | None] = {**ticket.custom, **values}
    ticket = changed(ticket, now, custom={key: value for key, value in merged.items() if value is not None})
    return say(ticket, TicketCustomFieldsChanged, actor=actor, cause=actor.kind, now=now, changes=tuple(changes))


def _is_same(before: CustomValue | None, after: CustomValue | None) -> bool:
    """Whether two values are one: to Python true is 1 as well."""
    return before == after and isinstance(before, bool) == isinstance(after, bool)


def _change(field: CustomField, previous: CustomValue | None, value: CustomValue | None) -> CustomFieldChange:
    if field.type == "text":
        return CustomFieldChange(key=field.key, field_type=field.type)
    return CustomFieldChange(key=field.key, field_type=field.type, previous=previous, value=value)
