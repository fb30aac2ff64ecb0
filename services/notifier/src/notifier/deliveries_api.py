"""What left, over HTTP; and the short links in it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Path
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from contracts.deliveries import DeliveryState
from contracts.people import Channel
from notifier.store import DeliveryStore
from service_kit.auth import Permission, Principal, requires
from service_kit.http.address_limit import AddressLimit
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes

_OF_ONE_ADDRESS = AddressLimit("short-links", most=600, seconds=60)
"""Telephones of a whole network share addresses; whoever tries codes at random is slowed down."""

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


class CopyView(BaseModel):
    """Somebody in copy of a mail: what became of it for them, and the other side's words."""

    address: str
    state: Literal["queued", "sent", "failed"]
    reason: str | None


class DeliveryView(BaseModel):
    """One outgoing message, without its text. `state` is about the customer; `copies` are those in copy, once tried."""

    id: str
    message_id: str
    ticket_id: str | None
    channel: Channel
    state: DeliveryState
    reason: str | None
    provider_id: str | None
    attempt: int
    copies: list[CopyView]
    created_at: datetime
    updated_at: datetime


def deliveries_router(store: DeliveryStore) -> Routes:
    """`GET /v1/deliveries` and `GET /s/{code}`."""
    router = Routes(tags=["deliveries"])

    @router.get("/v1/deliveries")
    async def list_deliveries(
        principal: Reader,
        ticket: str | None = None,
        state: DeliveryState | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[DeliveryView]:
        """What left, newest first."""
        page = await store.list(principal.account_id, ticket_id=ticket, state=state, limit=limit, cursor=cursor)
        items = [DeliveryView.model_validate(one, from_attributes=True) for one in page.items]
        return PageOf(items=items, next_cursor=page.next_cursor)

    @router.get("/s/{code}", status_code=302, response_class=RedirectResponse, dependencies=[Depends(_OF_ONE_ADDRESS)])
    async def follow(code: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]) -> RedirectResponse:
        """To where a link in one of our own SMS leads; never anywhere else."""
        url = await store.follow(code)
        if url is None:
            raise not_found("link")
        return RedirectResponse(url, status_code=302, headers={"Referrer-Policy": "no-referrer"})

    return router
