"""`GET /v1/contacts/{id}/export`: the copy of their data that a customer may ask for (S3)."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from tickets.contacts.contact_store import ContactStore
from tickets.privacy.contact_export import ContactExport, ExportScope
from tickets.ticket.ticket_problems import no_such

Exporter = Annotated[Principal, Depends(requires(Permission.CONTACTS_EXPORT))]


def contact_export_router(contacts: ContactStore, export: ContactExport) -> Routes:
    """The route."""
    router = Routes("/v1/contacts/{contact_id}", tags=["contacts"])

    @router.get("/export", response_class=StreamingResponse)
    async def export_contact(
        principal: Exporter,
        contact_id: str,
        act: Annotated[Act, audited("contact.exported")],
        *,
        notes: Annotated[bool, Query(description="With internal notes.")] = False,
        files: Annotated[bool, Query(description="With the bytes of attachments, in base64.")] = False,
    ) -> StreamingResponse:
        """Everything known of a contact, streamed as one JSON document.

        It has the contact, the tickets with their messages, what blocks set aside, and what the contact did elsewhere.
        """
        contact = await contacts.get(principal.account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        act.details.update({"notes": notes, "files": files})
        name = f'attachment; filename="{contact.id}.json"'
        return StreamingResponse(
            export.write(contact, ExportScope(notes=notes, files=files)),
            media_type="application/json",
            headers={"content-disposition": name, "cache-control": "no-store"},
        )

    return router
