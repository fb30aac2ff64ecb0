"""`POST /v1/contacts/{id}/merge` and `…/unmerge`: two contacts who are one person (V3)."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from tickets.contacts.contact_merge_workflow import ContactMerging
from tickets.contacts.contact_view import ContactView

Writer = Annotated[Principal, Depends(requires(Permission.CONTACTS_WRITE))]


class ContactMerge(BaseModel):
    """Which contact to become part of."""

    model_config = ConfigDict(extra="forbid")

    into: Annotated[str, Field(min_length=1, max_length=100)]


def contact_merge_router(merging: ContactMerging) -> Routes:
    """The routes."""
    router = Routes("/v1/contacts/{contact_id}", tags=["contacts"])

    @router.post("/merge")
    async def merge_contact(
        principal: Writer, contact_id: str, merge: ContactMerge, act: Annotated[Act, audited("contact.merged")]
    ) -> ContactView:
        """Make the contact part of another one, which knows and has from now on what either knows and has.

        Their tickets, what they did elsewhere, and what arrives for either are the other's; each number keeps its
        consent, and a stop wins. The same again changes nothing, and `…/unmerge` undoes it. Refused:
        `merge_with_itself`, `already_merged`, `target_merged`, `too_many_merged`; one of another account is 404.
        """
        act.details["into"] = merge.into
        whole = await merging.merge(principal, contact_id, merge.into)
        return ContactView.of(whole, asked=contact_id)

    @router.post("/unmerge")
    async def unmerge_contact(
        principal: Writer, contact_id: str, _act: Annotated[Act, audited("contact.unmerged")]
    ) -> ContactView:
        """Take a contact that was merged out of the other one again; `contact_id` is the merged one's.

        It is as it was, with what was said of it since, and has its own tickets again. `not_merged` if it is not.
        """
        return ContactView.of(await merging.unmerge(principal, contact_id), asked=contact_id)

    return router
