"""Where the link to end automatic mail leads (RFC 2369, 8058)."""

from typing import Annotated

from fastapi import Path
from fastapi.responses import HTMLResponse

from notifier.model import Delivery, Suppression
from notifier.store import DeliveryStore
from notifier.suppression_store import SuppressionStore, suppression_id
from notifier.unsubscribe import UnsubscribeLinks
from service_kit.clock import Clock
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Automatic mail</title><meta name="robots" content="noindex"></head>
<body><p>{text}</p>{form}</body></html>
"""
_ASK = _PAGE.format(
    text="Do you want no more automatic mail from us? Answers by a person still reach you.",
    form='<form method="post"><button>No more automatic mail</button></form>',
)
_DONE = _PAGE.format(text="You get no more automatic mail from us.", form="")
_HEADERS = {"Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; form-action 'self'"}

Token = Annotated[str, Path(pattern=r"^[0-9a-f]{24}[a-z2-7]{16}$")]


def unsubscribe_router(
    store: DeliveryStore, suppressions: SuppressionStore, links: UnsubscribeLinks, clock: Clock
) -> Routes:
    """`GET` asks, because programs follow links in mail; `POST` does it, by the page or by a mail program."""
    router = Routes("/u", tags=["deliveries"])

    async def find(token: str) -> Delivery:
        delivery_id = links.delivery_of(token)
        delivery = await store.get(delivery_id) if delivery_id else None
        if delivery is None or not delivery.request.recipient.email:
            raise not_found("mail")
        return delivery

    @router.get("/{token}", response_class=HTMLResponse)
    async def ask(token: Token) -> HTMLResponse:
        """A page with one button."""
        await find(token)
        return HTMLResponse(_ASK, headers=_HEADERS)

    @router.post("/{token}", response_class=HTMLResponse)
    async def unsubscribe(token: Token) -> HTMLResponse:
        """No more automatic mail to the customer who got this one; once or often is the same."""
        await suppressions.add(_declined(await find(token), clock))
        return HTMLResponse(_DONE, headers=_HEADERS)

    return router


def _declined(delivery: Delivery, clock: Clock) -> Suppression:
    address = (delivery.request.recipient.email or "").lower()
    return Suppression(
        id=suppression_id(delivery.account_id, address, "automatic"),
        account_id=delivery.account_id,
        address=address,
        scope="automatic",
        reason="unsubscribed",
        message_id=delivery.message_id,
        ticket_id=delivery.ticket_id,
        created_at=clock.now(),
    )
