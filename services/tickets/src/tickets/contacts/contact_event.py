"""A contact as everybody else is told of it: whole, as far as one event takes it. Pure."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json

from contracts.contacts import ContactChanged, NumberConsent
from contracts.ids import derive_id
from tickets.contacts.contact_model import Contact, NumberSaid

MAX_EVENT_BYTES = 900_000
"""What the bus takes is 1 MiB, with the headers of the record."""

_CUT = ("segments", "external_ids", "visitor_ids", "emails")


def changed_event(contact: Contact, now: datetime) -> ContactChanged:
    """What is published of this version of a contact."""
    event = ContactChanged(
        id=derive_id("evt", contact.id, str(contact.version)),
        account_id=contact.account_id,
        time=now,
        contact_id=contact.id,
        version=contact.version,
        name=contact.name,
        emails=contact.emails,
        phones=contact.phones,
        external_ids=contact.external_ids,
        visitor_ids=contact.visitor_ids,
        segments=contact.segments,
        sms_consent={
            phone: _consent(said, said_at)
            for phone, said in contact.sms_consent.items()
            if (said_at := said.said_at) is not None
        },
        custom={field: said.value for field, said in contact.custom.items()},
        merged_into=contact.merged_into,
        merged=contact.merged,
        blocked=contact.blocked,
    )
    return _fitting(event)


def _fitting(event: ContactChanged) -> ContactChanged:
    """Custom fields go first, the most and the least needed elsewhere; numbers and their consent always stay (M5)."""
    if event.custom and _excess(event) > 0:
        event = event.model_copy(update={"custom": {}, "left_out": ("custom",)})
    for field in _CUT:
        values = getattr(event, field)
        if values and (excess := _excess(event)) > 0:
            event = event.model_copy(update={field: _beginning(values, excess), "left_out": (*event.left_out, field)})
    return event


def _excess(event: ContactChanged) -> int:
    return len(event.payload()) - MAX_EVENT_BYTES


def _beginning(values: Sequence[str], excess: int) -> tuple[str, ...]:
    """As many of the first values as leave the event `excess` bytes smaller."""
    kept = list(values)
    while kept and excess > 0:
        excess -= len(to_json(kept.pop())) + len(",")
    return tuple(kept)


def _consent(said: NumberSaid, said_at: datetime) -> NumberConsent:
    return NumberConsent(
        marketing=said.marketing is not None and said.marketing.value,
        transactional=said.transactional is not None and said.transactional.value,
        stopped=said.is_stopped,
        updated_at=said_at,
    )
