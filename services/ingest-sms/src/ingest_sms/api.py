"""Twilio's webhooks over HTTP."""

from typing import Annotated

from fastapi import Header, Query, Request, Response

from ingest_sms.errors import malformed_webhook
from ingest_sms.webhooks import Webhook, Webhooks
from service_kit.http.routes import Routes

_MOST_FIELDS = 200
_NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
Signature = Annotated[str, Header(alias="X-Twilio-Signature", max_length=200)]


def webhooks_router(webhooks: Webhooks, *, public_url: str) -> Routes:
    """The routes a provider calls. It signs the URL it called: the public one, or the request's own if none is set."""
    router = Routes("/v1/sms", tags=["sms"])

    @router.post("/twilio/inbound", response_class=Response, responses={200: {"content": {"text/xml": {}}}})
    async def take_message(request: Request, signature: Signature = "") -> Response:
        """An SMS or MMS from Twilio, answered with empty TwiML once it is safe."""
        await webhooks.take_message(await _webhook(request, public_url, signature))
        return Response(_NO_ANSWER, media_type="text/xml")

    @router.post("/twilio/status", status_code=204)
    async def take_status(
        request: Request,
        message: Annotated[str, Query(max_length=100)],
        ticket: Annotated[str | None, Query(max_length=100)] = None,
        signature: Signature = "",
    ) -> None:
        """A delivery receipt from Twilio for a message that we sent."""
        await webhooks.take_status(await _webhook(request, public_url, signature), ticket, message)

    return router


async def _webhook(request: Request, public_url: str, signature: str) -> Webhook:
    async with request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
        parameters = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if not parameters:
        raise malformed_webhook("the body is not a form")
    query = f"?{request.url.query}" if request.url.query else ""
    origin = public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return Webhook(
        url=f"{origin}{request.url.path}{query}",
        signature=signature,
        parameters=parameters,
        source=request.client.host if request.client else "unknown",
    )
