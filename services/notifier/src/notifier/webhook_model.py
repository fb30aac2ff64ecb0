"""Webhooks of an account, and each event on its way to one (E2)."""

from typing import Literal

from contracts.envelope import UtcDatetime
from service_kit.docstore import Document
from service_kit.timers import Timed

WebhookState = Literal["pending", "delivered", "failed"]
"""Public contract: the states of a webhook delivery."""


class Webhook(Document):
    """An address that wants events. `events` are type patterns; `secret` is ciphertext."""

    account_id: str
    url: str
    events: tuple[str, ...]
    secret: str
    active: bool = True
    created_at: UtcDatetime


class WebhookDelivery(Timed):
    """One event for one webhook; its id derives from both, so that it exists once.

    `body` is what is signed; `traceparent`: what the event came of.
    """

    account_id: str
    webhook_id: str
    event_id: str
    event_type: str
    ticket_id: str | None = None
    body: str
    state: WebhookState = "pending"
    attempt: int = 0
    last_status: int | None = None
    last_error: str | None = None
    traceparent: str | None = None
    created_at: UtcDatetime
    updated_at: UtcDatetime
