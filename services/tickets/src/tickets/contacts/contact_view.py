"""A contact as the API shows it."""

from typing import Any

from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from tickets.contacts.contact_model import Contact, NumberSaid


class NumberConsentView(BaseModel):
    """Consent of one number; `stopped` wins over the others."""

    marketing: bool
    transactional: bool
    stopped: bool

    @classmethod
    def of(cls, said: NumberSaid) -> "NumberConsentView":
        """What holds now."""
        return cls(
            marketing=said.marketing is not None and said.marketing.value,
            transactional=said.transactional is not None and said.transactional.value,
            stopped=said.is_stopped,
        )


class ContactView(BaseModel):
    """One contact; `unverified_email` is what a visitor typed and nobody checked.

    Whoever asks for a merged contact gets the one that it is now, and in `merged_into` that one's id; `merged` are
    the contacts it is made of besides itself.
    """

    id: str
    name: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    external_ids: tuple[str, ...]
    unverified_email: str | None
    segments: tuple[str, ...]
    sms_consent: dict[str, NumberConsentView]
    custom: dict[str, Any]
    merged_into: str | None
    merged: tuple[str, ...]
    blocked: bool
    version: int
    created_at: UtcDatetime
    updated_at: UtcDatetime

    @classmethod
    def of(cls, contact: Contact, *, asked: str | None = None) -> "ContactView":
        """The public side of the document, for who asked for a contact of this id."""
        return cls(
            id=contact.id,
            name=contact.name,
            emails=contact.emails,
            phones=contact.phones,
            external_ids=contact.external_ids,
            unverified_email=contact.unverified_email,
            segments=contact.segments,
            sms_consent={phone: NumberConsentView.of(said) for phone, said in contact.sms_consent.items()},
            custom={field: said.value for field, said in contact.custom.items()},
            merged_into=contact.id if asked not in {None, contact.id} else None,
            merged=contact.merged,
            blocked=contact.blocked,
            version=contact.version,
            created_at=contact.created_at,
            updated_at=contact.updated_at,
        )
