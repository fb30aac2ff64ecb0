"""Suppressed addresses over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path
from pydantic import BaseModel

from notifier.model import SuppressionScope
from notifier.suppression_store import SuppressionStore
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]


class SuppressionView(BaseModel):
    """An address that mail is not sent to, why, and the mail that bounced."""

    address: str
    scope: SuppressionScope
    reason: str
    message_id: str
    ticket_id: str | None
    created_at: datetime


def suppressions_router(store: SuppressionStore) -> Routes:
    """`/v1/suppressions`."""
    router = Routes("/v1/suppressions", tags=["deliveries"])

    @router.get("")
    async def list_suppressions(principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> PageOf[SuppressionView]:
        """Addresses that bounced for good (`all`) or want no automatic mail, newest first; such mail fails."""
        page = await store.list(principal.account_id, limit=limit, cursor=cursor)
        items = [SuppressionView.model_validate(one, from_attributes=True) for one in page.items]
        return PageOf(items=items, next_cursor=page.next_cursor)

    @router.delete("/{address}", status_code=204)
    async def lift_suppression(
        principal: Writer,
        address: Annotated[str, Path(max_length=320)],
        _act: Annotated[Act, audited("suppression.lifted", from_path=False)],
    ) -> None:
        """Send mail to this address again: the mailbox is back, the report was wrong, or they want automatic mail."""
        if not await store.lift(principal.account_id, address):
            raise not_found("suppressed address")

    return router
