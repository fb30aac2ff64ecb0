"""`/v1/contacts`: customers, and what they did elsewhere (V3)."""

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.contact_model import Contact, ContactActivity, NumberSaid
from tickets.contact_store import ContactStore
from tickets.ticket_problems import no_such

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


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
    """One contact; `unverified_email` is what a visitor typed and nobody checked."""

    id: str
    name: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    external_ids: tuple[str, ...]
    unverified_email: str | None
    segments: tuple[str, ...]
    sms_consent: dict[str, NumberConsentView]
    custom: dict[str, Any]
    version: int
    created_at: UtcDatetime
    updated_at: UtcDatetime

    @classmethod
    def of(cls, contact: Contact) -> "ContactView":
        """The public side of the document."""
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
            version=contact.version,
            created_at=contact.created_at,
            updated_at=contact.updated_at,
        )


class ActivityView(BaseModel):
    """Something a contact did elsewhere."""

    id: str
    metric: str
    at: UtcDatetime
    properties: dict[str, Any]

    @classmethod
    def of(cls, activity: ContactActivity) -> "ActivityView":
        """The public side of the document."""
        return cls(id=activity.id, metric=activity.metric, at=activity.at, properties=activity.properties)


def contacts_router(contacts: ContactStore) -> Routes:
    """The routes."""
    router = Routes("/v1/contacts", tags=["contacts"])

    async def load(account_id: str, contact_id: str) -> Contact:
        contact = await contacts.get(account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        return contact

    @router.get("")
    async def list_contacts(
        principal: Reader,
        q: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[ContactView]:
        """Contacts, those that changed last first."""
        page = await contacts.page(principal.account_id, q, limit=limit, cursor=cursor)
        return PageOf(items=[ContactView.of(contact) for contact in page.items], next_cursor=page.next_cursor)

    @router.get("/{contact_id}")
    async def show_contact(principal: Reader, contact_id: str) -> ContactView:
        """One contact."""
        return ContactView.of(await load(principal.account_id, contact_id))

    @router.get("/{contact_id}/events")
    async def list_contact_events(
        principal: Reader,
        contact_id: str,
        metric: Annotated[str | None, Query(max_length=200)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[ActivityView]:
        """What a contact did elsewhere, newest first, of one metric if one is given."""
        contact = await load(principal.account_id, contact_id)
        page = await contacts.activities(contact.id, metric, limit=limit, cursor=cursor)
        return PageOf(items=[ActivityView.of(activity) for activity in page.items], next_cursor=page.next_cursor)

    return router
