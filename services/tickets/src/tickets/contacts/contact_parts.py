"""What several contacts that became one know together, and each by itself. Pure.

A fact stays with the contact of which it was said. So a merge loses nothing, and can be undone whatever was said
since: the whole is computed from the parts whenever one of them changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from tickets.contacts.contact_model import Contact, ContactPart, NumberSaid, SaidAny, SaidBool

MAX_CUSTOM_FIELDS = 200

MAX_IDENTITIES = 100
MAX_IDENTITY_BYTES = 24_576
"""Of what one contact is known by, as JSON. What names twenty that became one, sealed, must fit an event."""

_FACTS = tuple(field for field in ContactPart.model_fields if field != "into")
_IDENTITIES = ("emails", "phones", "external_ids", "visitor_ids")
_NOBODY = ContactPart()
_CONSENTS = ("marketing", "transactional", "stopped")


def in_part(contact: Contact, part_id: str, edit: Callable[[Contact], Contact]) -> Contact:
    """The contact after something was said of one of those that it is made of."""
    if not contact.parts:
        return edit(contact)
    part = contact.parts[part_id]
    edited = edit(contact.model_copy(update=_facts_of(part)))
    told = ContactPart.model_validate({"into": part.into, **_facts_of(edited)})
    if told == part:
        return contact
    return combined(contact.model_copy(update={"parts": {**contact.parts, part_id: told}}))


def parts_of(contact: Contact) -> Mapping[str, ContactPart]:
    """What is known, by the contact of which it was said."""
    return contact.parts or {contact.id: ContactPart.model_validate(_facts_of(contact))}


def has_room(contact: Contact, part_id: str) -> bool:
    """Whether one of the contacts that it is made of may be known by one more name."""
    known = [value for field in _IDENTITIES for value in getattr(parts_of(contact).get(part_id, _NOBODY), field)]
    return len(known) < MAX_IDENTITIES and len(to_json(known)) < MAX_IDENTITY_BYTES


def combined(contact: Contact) -> Contact:
    """The contact showing what all of its parts know; with one part left it is that one.

    The newest statement wins, and what stayed wins over what joined it. Segments are those of all: an outside system
    that keeps several profiles means each. A number that any part knows to be stopped is stopped (M5).
    """
    parts = list(contact.parts.values())
    whole: dict[str, Any] = {field: _union(getattr(part, field) for part in parts) for field in _IDENTITIES}
    whole |= _newest_name(parts)
    whole["segments"] = _union(part.segments for part in parts)
    whole["segments_said_at"] = max((p.segments_said_at for p in parts if p.segments_said_at is not None), default=None)
    whole["unverified_email"] = next((p.unverified_email for p in parts if p.unverified_email), None)
    whole["sms_consent"] = _consent_of_all(parts)
    whole["custom"] = _newest_custom(parts)
    if len(parts) == 1:
        whole |= {**_facts_of(parts[0]), "parts": {}}
    return contact.model_copy(update=whole)


def later(known: ContactPart, told: ContactPart) -> ContactPart:
    """One contact as two copies of it know it: of each fact the newer."""
    both = (told, known)
    newer: dict[str, Any] = {field: _union(getattr(part, field) for part in both) for field in _IDENTITIES}
    newer |= _newest_name(both)
    listed = [(part.segments_said_at, part.segments) for part in both if part.segments_said_at is not None]
    said_at, segments = max(listed, key=lambda one: one[0], default=(None, told.segments or known.segments))
    newer |= {"segments": segments, "segments_said_at": said_at}
    newer["unverified_email"] = told.unverified_email or known.unverified_email
    phones = dict.fromkeys((*told.sms_consent, *known.sms_consent))
    newer["sms_consent"] = {
        phone: _newest_said([part.sms_consent[phone] for part in both if phone in part.sms_consent]) for phone in phones
    }
    newer["custom"] = _newest_custom(both)
    return told.model_copy(update=newer)


def _facts_of(one: Contact | ContactPart) -> dict[str, Any]:
    return {field: getattr(one, field) for field in _FACTS}


def _union(values: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for some in values for value in some))


def _newest_name(parts: Sequence[ContactPart]) -> dict[str, Any]:
    """The name stated last; where nobody stated one, the first that a message came under."""
    stated = [(part.name_said_at, part.name) for part in parts if part.name_said_at is not None]
    said_at, name = max(stated, key=lambda one: one[0], default=(None, None))
    return {"name": name or next((part.name for part in parts if part.name), None), "name_said_at": said_at}


def _newest_custom(parts: Sequence[ContactPart]) -> dict[str, SaidAny]:
    newest: dict[str, SaidAny] = {}
    for part in parts:
        for field, said in part.custom.items():
            if field not in newest or said.at > newest[field].at:
                newest[field] = said
    return dict(list(newest.items())[:MAX_CUSTOM_FIELDS])


def _consent_of_all(parts: Sequence[ContactPart]) -> dict[str, NumberSaid]:
    phones = dict.fromkeys(phone for part in parts for phone in part.sms_consent)
    return {phone: _strictest([p.sms_consent[phone] for p in parts if phone in p.sms_consent]) for phone in phones}


def _strictest(said: Sequence[NumberSaid]) -> NumberSaid:
    """What holds for a number that several parts know: the newest, but for a stop, which wins."""
    newest = _newest_said(said)
    stops = [one.stopped for one in said if one.is_stopped and one.stopped is not None]
    return newest.model_copy(update={"stopped": max(stops, key=lambda stop: stop.at)}) if stops else newest


def _newest_said(said: Sequence[NumberSaid]) -> NumberSaid:
    newest: dict[str, SaidBool | None] = {}
    for name in _CONSENTS:
        statements: list[SaidBool] = [one for some in said if (one := getattr(some, name)) is not None]
        newest[name] = max(statements, key=lambda one: one.at, default=None)
    return NumberSaid.model_validate(newest)
