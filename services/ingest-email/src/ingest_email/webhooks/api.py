"""Mail from providers over HTTP."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel

from ingest_email.webhooks.mailgun import MAILGUN
from ingest_email.webhooks.postmark import POSTMARK
from ingest_email.webhooks.provider import Provider
from ingest_email.webhooks.sendgrid import SENDGRID
from ingest_email.webhooks.webhooks import OpenCall, Webhooks
from service_kit.http.routes import Routes

PREFIX = "/v1/email"


class MailTaken(BaseModel):
    """The mail is safe. One delivery for each recipient of ours; the intake ledger has its verdict under this id."""

    delivery_ids: list[str]


def _form(*fields: str) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in fields}
    schema = {"type": "object", "required": list(fields), "properties": properties}
    kinds = ("multipart/form-data", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}


_MAILGUN_BODY = _form("recipient", "sender", "body-mime", "timestamp", "token", "signature")
_SENDGRID_BODY = _form("email", "envelope")
_POSTMARK_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["OriginalRecipient", "RawEmail"],
                    "properties": {"OriginalRecipient": {"type": "string"}, "RawEmail": {"type": "string"}},
                }
            }
        },
    }
}


def email_router(webhooks: Webhooks) -> Routes:
    """The routes that providers call. Each is answered 200 once the mail is stored and announced."""
    router = Routes(PREFIX, tags=["email"])

    async def take(provider: Provider, request: Request) -> MailTaken:
        source = request.client.host if request.client else "unknown"
        call = OpenCall(headers=request.headers, body=request.stream(), source=source)
        return MailTaken(delivery_ids=list(await webhooks.take(provider, call)))

    @router.post("/mailgun/inbound", openapi_extra=_MAILGUN_BODY)
    @router.post("/mailgun/inbound/mime", openapi_extra=_MAILGUN_BODY)
    async def take_from_mailgun(request: Request) -> MailTaken:
        """A mail from a Mailgun route, signed with the key `mailgun.signing_key` of the settings `email`.

        Mailgun forwards the raw mail to addresses that end in `mime`. 406 makes it give up; at 401 and 503 it comes
        again for eight hours.
        """
        return await take(MAILGUN, request)

    @router.post("/sendgrid/inbound", openapi_extra=_SENDGRID_BODY)
    async def take_from_sendgrid(request: Request) -> MailTaken:
        """A mail from SendGrid's Inbound Parse with "POST the raw, full MIME message".

        Proven by its signature where `sendgrid.public_key` is set, else by `sendgrid.basic` (in the URL). 406 makes
        it give up; at 503 it comes again for three days.
        """
        return await take(SENDGRID, request)

    @router.post("/postmark/inbound", openapi_extra=_POSTMARK_BODY)
    async def take_from_postmark(request: Request) -> MailTaken:
        """A mail from Postmark's inbound stream with "Include raw email content in JSON payload".

        Proven by `postmark.username` and `postmark.password` (in the URL), `postmark.ips`, or both. 403 makes it give
        up; at 401 and 503 it comes again ten times in ten hours.
        """
        return await take(POSTMARK, request)

    return router
