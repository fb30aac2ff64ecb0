"""`/erase` and `/erasure` of a contact: having somebody forgotten, and how far it is (S3)."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from tickets.privacy.erasure import OWNERS, Erasure, ErasureState
from tickets.privacy.erasure_workflow import ErasureWorkflow

Eraser = Annotated[Principal, Depends(requires(Permission.CONTACTS_ERASE))]
Erasing = Annotated[Act, audited("contact.erased")]


class OwnerView(BaseModel):
    """One owner of data, and when it had forgotten them; null while it is at it."""

    owner: str
    done_at: UtcDatetime | None


class ErasureView(BaseModel):
    """An erasure. It is `done` when every owner is; what is on the bus goes with its retention."""

    contact_id: str
    state: ErasureState
    requested_at: UtcDatetime
    owners: list[OwnerView]

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureView":
        """The public side of the document."""
        own = OwnerView(owner="tickets", done_at=None if erasure.state == "running" else erasure.forgotten_at)
        others = [OwnerView(owner=owner, done_at=erasure.done_at.get(owner)) for owner in OWNERS]
        return cls(
            contact_id=erasure.contact_id,
            state=erasure.state,
            requested_at=erasure.requested_at,
            owners=[own, *others],
        )


def erasure_router(erasures: ErasureWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/contacts/{contact_id}", tags=["contacts"])

    @router.post("/erase", status_code=202)
    async def erase_contact(principal: Eraser, contact_id: str, act: Erasing) -> ErasureView:
        """Have a contact forgotten everywhere, for good; again while it is under way changes nothing."""
        erasure = await erasures.request(principal.account_id, contact_id, principal.actor)
        act.details["erasure_id"] = erasure.run_id
        return ErasureView.of(erasure)

    @router.get("/erasure")
    async def show_erasure(principal: Eraser, contact_id: str) -> ErasureView:
        """Which owners of data have forgotten the contact by now; 404 where nobody asked them to."""
        return ErasureView.of(await erasures.show(principal.account_id, contact_id))

    return router
