"""Webhooks over HTTP."""

import base64
import secrets
from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from contracts.ids import new_id
from notifier.webhook_model import Webhook, WebhookState
from notifier.webhook_store import WebhookStore
from service_kit.auth import Permission, Principal, requires
from service_kit.clock import Clock
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import Problem, not_found
from service_kit.http.routes import Routes
from service_kit.http.whole_lists import WHOLE_LIMIT, WholeLimit
from service_kit.secret_box import SecretBox

Manager = Annotated[Principal, Depends(requires(Permission.WEBHOOKS_MANAGE))]
Pattern = Annotated[str, Field(pattern=r"^support(\.[a-z_*]+)+(\.v[0-9*]+)?$", max_length=200)]


class NewWebhook(BaseModel):
    """An address and the event types it wants; `*` stands for any part."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"url": "https://crm.example/hook", "events": ["support.ticket.*"]}},
    )

    url: HttpUrl
    events: list[Pattern] = Field(min_length=1, max_length=50)


class WebhookChange(BaseModel):
    """What to change; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    url: HttpUrl | None = None
    events: list[Pattern] | None = Field(default=None, min_length=1, max_length=50)
    active: bool | None = None


class WebhookView(BaseModel):
    """A webhook, without its secret."""

    id: str
    url: str
    events: tuple[str, ...]
    active: bool
    created_at: datetime


class CreatedWebhook(WebhookView):
    """A new webhook; the secret is shown this once."""

    secret: str


class WebhookDeliveryView(BaseModel):
    """One event on its way to a webhook."""

    id: str
    event_id: str
    event_type: str
    state: WebhookState
    attempt: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


def webhooks_router(store: WebhookStore, box: SecretBox, clock: Clock) -> Routes:
    """`/v1/webhooks` and the deliveries of each."""
    router = Routes("/v1/webhooks", tags=["webhooks"])

    async def find(account_id: str, webhook_id: str) -> Webhook:
        webhook = await store.one(account_id, webhook_id)
        if webhook is None:
            raise not_found("webhook")
        return webhook

    @router.get("")
    async def list_webhooks(
        principal: Manager, limit: WholeLimit = WHOLE_LIMIT, cursor: Cursor = None
    ) -> PageOf[WebhookView]:
        """Webhooks, oldest first; an account has 100 at most."""
        page = await store.page(principal.account_id, limit=limit, cursor=cursor)
        return PageOf(items=[_view(one) for one in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=201)
    async def create_webhook(
        principal: Manager, body: NewWebhook, act: Annotated[Act, audited("webhook.created")]
    ) -> CreatedWebhook:
        """Subscribe an address; keep the secret, it is not shown again."""
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        webhook = Webhook(
            id=new_id("whk"),
            account_id=principal.account_id,
            url=str(body.url),
            events=tuple(body.events),
            secret=box.encrypt(secret),
            created_at=clock.now(),
        )
        if not await store.add(webhook):
            raise Problem(409, "too_many_webhooks", "This account has as many webhooks as it may; delete one first.")
        act.target_id = webhook.id
        return CreatedWebhook(secret=secret, **_view(webhook).model_dump())

    @router.get("/{webhook_id}")
    async def read_webhook(principal: Manager, webhook_id: str) -> WebhookView:
        """One webhook."""
        return _view(await find(principal.account_id, webhook_id))

    @router.patch("/{webhook_id}")
    async def change_webhook(
        principal: Manager,
        webhook_id: str,
        body: WebhookChange,
        _act: Annotated[Act, audited("webhook.changed")],
    ) -> WebhookView:
        """Change the address, the events, or whether it is active."""
        given = body.model_dump(exclude_none=True, mode="json")
        if body.events is not None:
            given["events"] = tuple(body.events)
        while True:
            changed = (await find(principal.account_id, webhook_id)).model_copy(update=given)
            if await store.replace(changed):
                return _view(changed)

    @router.delete("/{webhook_id}", status_code=204)
    async def delete_webhook(
        principal: Manager, webhook_id: str, _act: Annotated[Act, audited("webhook.deleted")]
    ) -> None:
        """Unsubscribe an address."""
        while not await store.delete(await find(principal.account_id, webhook_id)):
            pass

    @router.get("/{webhook_id}/deliveries")
    async def list_deliveries(
        principal: Manager, webhook_id: str, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[WebhookDeliveryView]:
        """What was sent to it, newest first."""
        page = await store.deliveries_of(await find(principal.account_id, webhook_id), limit=limit, cursor=cursor)
        items = [WebhookDeliveryView.model_validate(one, from_attributes=True) for one in page.items]
        return PageOf(items=items, next_cursor=page.next_cursor)

    return router


def _view(webhook: Webhook) -> WebhookView:
    return WebhookView.model_validate(webhook, from_attributes=True)
