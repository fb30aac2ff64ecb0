"""Contacts: what is known of a customer, from whom and since when. Pure; no I/O.

Facts are kept with the moment they were said, so that the newest wins in whatever order they arrive, and saying one
again changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.contacts import ContactUpdated, SmsConsent
from contracts.ids import derive_id
from service_kit.docstore.tokens import document_tokens
from service_kit.outbox import with_events
from tickets.contacts.contact_event import changed_event
from tickets.contacts.contact_model import Contact, Identity, IdentityKind, NumberSaid, SaidAny, SaidBool
from tickets.contacts.contact_parts import MAX_CUSTOM_FIELDS, in_part, parts_of

MAX_AUTOMATIC_PER_HOUR = 3
"""The last brake on loops (X7)."""

_BUDGET_WINDOW = timedelta(hours=1)


def normalised(kind: IdentityKind, value: str) -> str:
    """The one spelling under which an identity is found."""
    return value.strip().lower() if kind == "email" else value.strip()


def identity(account_id: str, kind: IdentityKind, value: str, contact_id: str | None = None) -> Identity:
    """An identity; without a contact, of the one that this very identity begins."""
    value = normalised(kind, value)
    return Identity(
        id=derive_id("idn", account_id, kind, value),
        account_id=account_id,
        kind=kind,
        value=value,
        contact_id=contact_id or derive_id("con", account_id, kind, value),
    )


def new_contact(contact_id: str, account_id: str, now: datetime) -> Contact:
    """A contact of whom nothing is known yet."""
    return Contact(id=contact_id, account_id=account_id, created_at=now, updated_at=now)


def with_identity(contact: Contact, known_as: Identity) -> Contact:
    """The contact, also known by this identity."""
    field = {"email": "emails", "phone": "phones", "visitor": "visitor_ids", "external": "external_ids"}[known_as.kind]
    values: tuple[str, ...] = getattr(contact, field)
    if known_as.value in values:
        return contact
    return contact.model_copy(update={field: (*values, known_as.value), "erased_at": None})


def introduced(contact: Contact, name: str | None) -> Contact:
    """The contact with the name a message came under, unless one is known already."""
    return contact if contact.name or not name else contact.model_copy(update={"name": name})


def with_profile(contact: Contact, name: str | None, email: str | None) -> Contact:
    """The contact as a visitor's form says, unverified: a name that somebody stated stands."""
    update: dict[str, Any] = {}
    if name and contact.name_said_at is None:
        update["name"] = name
    if email:
        update["unverified_email"] = normalised("email", email)
    return contact.model_copy(update=update)


def with_facts(contact: Contact, said: ContactUpdated, phones: tuple[str, ...]) -> Contact:
    """The contact after an outside report; consent is about `phones`. Older facts than the known ones are ignored."""
    update: dict[str, Any] = {}
    if said.name is not None and _is_newer(contact.name_said_at, said.time):
        update |= {"name": said.name, "name_said_at": said.time}
    if said.segments is not None and _is_newer(contact.segments_said_at, said.time):
        update |= {"segments": tuple(dict.fromkeys(said.segments)), "segments_said_at": said.time}
    if said.consent is not None and said.consent.sms is not None:
        parts = said.consent.sms
        update["sms_consent"] = contact.sms_consent | {
            phone: _with_consent(contact.sms_consent.get(phone, NumberSaid()), parts, said.time) for phone in phones
        }
    if said.custom:
        update["custom"] = _with_custom(contact.custom, said.custom, said.time)
    return contact.model_copy(update=update)


def with_consent_of_all(contact: Contact, said: ContactUpdated) -> Contact:
    """The contact after consent was reported of the person and of no number: it is about all of theirs (M5)."""
    about_consent = said.model_copy(update={"name": None, "segments": None, "custom": None})

    def told(part: Contact) -> Contact:
        return with_facts(part, about_consent, part.phones)

    for part_id in parts_of(contact):
        contact = in_part(contact, part_id, told)
    return contact


def spent(contact: Contact, message_id: str, now: datetime) -> Contact:
    """The contact after one more automatic message; the same message counts once."""
    recent = {told: at for told, at in contact.automatic.items() if now - at < _BUDGET_WINDOW}
    return contact.model_copy(update={"automatic": {message_id: now} | recent})


def may_be_told(contact: Contact, message_id: str, now: datetime) -> bool:
    """Whether the budget of automatic messages allows this one (X7)."""
    others = [at for told, at in contact.automatic.items() if told != message_id]
    return sum(now - at < _BUDGET_WINDOW for at in others) < MAX_AUTOMATIC_PER_HOUR


def published(before: Contact | None, contact: Contact, now: datetime) -> Contact:
    """The contact with its new version and the event that shows it whole, if anything public changed."""
    if before is not None and _public(before) == _public(contact):
        return contact
    tokens = document_tokens(contact.name, contact.email, *contact.emails, *contact.phones, *contact.external_ids)
    update = {"version": contact.version + 1, "updated_at": now, "search_tokens": tuple(tokens)}
    contact = contact.model_copy(update=update)
    return with_events(contact, [changed_event(contact, now)], now)


def _public(contact: Contact) -> tuple[object, ...]:
    return (
        contact.name,
        contact.unverified_email,
        contact.emails,
        contact.phones,
        contact.external_ids,
        contact.visitor_ids,
        contact.segments,
        contact.sms_consent,
        contact.custom,
        contact.merged_into,
        contact.merged,
        contact.blocked,
    )


def _with_consent(said: NumberSaid, parts: SmsConsent, at: datetime) -> NumberSaid:
    update: dict[str, SaidBool] = {}
    for name in ("marketing", "transactional", "stopped"):
        value: bool | None = getattr(parts, name)
        known: SaidBool | None = getattr(said, name)
        if value is not None and _is_newer(known.at if known else None, at):
            update[name] = SaidBool(value=value, at=at)
    return said.model_copy(update=update)


def _with_custom(known: Mapping[str, SaidAny], said: Mapping[str, Any], at: datetime) -> dict[str, SaidAny]:
    newer: dict[str, SaidAny] = {
        field: SaidAny(value=value, at=at)
        for field, value in said.items()
        if _is_newer(known[field].at if field in known else None, at)
    }
    return dict(list({**known, **newer}.items())[:MAX_CUSTOM_FIELDS])


def _is_newer(known_at: datetime | None, at: datetime) -> bool:
    return known_at is None or at >= known_at
