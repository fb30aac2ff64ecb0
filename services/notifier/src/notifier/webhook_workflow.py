"""Ticket events become signed HTTP requests to whoever subscribed."""

import random
from collections.abc import Sequence
from datetime import datetime

from opentelemetry.trace import SpanKind
from standardwebhooks import Webhook as StandardWebhook

from contracts.ids import derive_id
from contracts.tickets import TicketEvent
from notifier.webhook_model import Webhook, WebhookDelivery
from notifier.webhook_policy import cloud_event, is_delivered, is_gone, next_attempt_at, wants
from notifier.webhook_store import WebhookStore
from service_kit.clock import Clock
from service_kit.errors import PermanentError
from service_kit.secret_box import SecretBox
from service_kit.ssrf import GuardedHttp, PeerUnavailable
from service_kit.timers import Due, with_due, without_due
from service_kit.tracing import present_traceparent, work_span

_SEND = "send"


class WebhookWorkflow:
    """Fans events out, and makes one attempt at a time for each."""

    def __init__(
        self, store: WebhookStore, http: GuardedHttp, secrets: SecretBox, clock: Clock, chance: random.Random
    ) -> None:
        self._store = store
        self._http = http
        self._secrets = secrets
        self._clock = clock
        self._chance = chance

    async def fan_out(self, events: Sequence[TicketEvent]) -> None:
        """Store a delivery for each event and each webhook that wants it; a repeated event changes nothing."""
        now, traceparent = self._clock.now(), present_traceparent()
        webhooks = {
            account_id: await self._store.of_account(account_id)
            for account_id in sorted({event.account_id for event in events})
        }
        await self._store.add_deliveries(
            [
                _delivery(webhook, event, now, traceparent)
                for event in events
                for webhook in webhooks[event.account_id]
                if webhook.active and wants(webhook.events, event.type)
            ]
        )

    async def send(self, delivery: WebhookDelivery, _due: Due) -> None:
        """One attempt. `webhook-id` stays the same over all attempts; the timestamp is each attempt's own."""
        about = {"deskbus.delivery_id": delivery.id, "deskbus.event_type": delivery.event_type}
        with work_span("send webhook", kind=SpanKind.CLIENT, traceparent=delivery.traceparent, attributes=about):
            await self._attempt(delivery)

    async def _attempt(self, delivery: WebhookDelivery) -> None:
        webhook = await self._store.one(delivery.account_id, delivery.webhook_id)
        now = self._clock.now()
        if webhook is None or not webhook.active:
            await self._save(_ended(delivery, "failed", now, error="the webhook is gone or switched off"))
            return
        attempted = delivery.model_copy(update={"attempt": delivery.attempt + 1, "updated_at": now})
        try:
            answer = await self._http.request(
                "POST", webhook.url, headers=self._headers(webhook, delivery, now), content=delivery.body.encode()
            )
        except PeerUnavailable as error:
            await self._save(self._again(attempted, None, str(error)))
        except PermanentError as error:
            await self._save(_ended(attempted, "failed", now, error=str(error)))
        else:
            await self._settle(webhook, attempted, answer.status)

    def _headers(self, webhook: Webhook, delivery: WebhookDelivery, now: datetime) -> dict[str, str]:
        signer = StandardWebhook(self._secrets.decrypt(webhook.secret))
        return {
            "content-type": "application/cloudevents+json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(delivery.id, now, delivery.body),
        }

    async def _settle(self, webhook: Webhook, attempted: WebhookDelivery, status: int) -> None:
        now = self._clock.now()
        if is_delivered(status):
            await self._save(_ended(attempted, "delivered", now, status=status))
        elif is_gone(status):
            await self._store.replace(webhook.model_copy(update={"active": False}))
            await self._save(_ended(attempted, "failed", now, status=status, error="410: switched off"))
        else:
            await self._save(self._again(attempted, status, f"answered {status}"))

    def _again(self, attempted: WebhookDelivery, status: int | None, error: str) -> WebhookDelivery:
        now = self._clock.now()
        again_at = next_attempt_at(attempted.attempt, now, self._chance)
        if again_at is None:
            return _ended(attempted, "failed", now, status=status, error=error)
        waiting = attempted.model_copy(update={"last_status": status, "last_error": error[:500]})
        return with_due(waiting, _SEND, again_at)

    async def _save(self, delivery: WebhookDelivery) -> None:
        """A lost race means that somebody else sent it too: the receiver tells them apart by `webhook-id`."""
        await self._store.deliveries.replace_many([delivery])


def _delivery(webhook: Webhook, event: TicketEvent, now: datetime, traceparent: str | None) -> WebhookDelivery:
    delivery = WebhookDelivery(
        id=derive_id("whd", webhook.id, event.id),
        account_id=event.account_id,
        webhook_id=webhook.id,
        event_id=event.id,
        event_type=event.type,
        ticket_id=event.ticket_id,
        body=cloud_event(event),
        traceparent=traceparent,
        created_at=now,
        updated_at=now,
    )
    return with_due(delivery, _SEND, now)


def _ended(
    delivery: WebhookDelivery, state: str, now: datetime, *, status: int | None = None, error: str | None = None
) -> WebhookDelivery:
    ended = delivery.model_copy(
        update={"state": state, "last_status": status, "last_error": error and error[:500], "updated_at": now}
    )
    return without_due(ended, _SEND)
