"""`/v1/contacts`: customers (V3)."""

from typing import Annotated

from fastapi import Depends, Query

from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contact_view import ContactView
from tickets.ticket.ticket_problems import no_such

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


def contacts_router(contacts: ContactStore) -> Routes:
    """The routes."""
    router = Routes("/v1/contacts", tags=["contacts"])

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
        """One contact; of a merged one, that which it is now (`merged_into`)."""
        contact = await contacts.get(principal.account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        return ContactView.of(contact, asked=contact_id)

    return router
