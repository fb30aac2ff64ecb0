"""Outgoing messages become deliveries; what sends them is `sending.py`."""

from collections.abc import Sequence

from contracts.ids import derive_id
from contracts.outbound import OutboundMessageRequested
from notifier.model import Delivery
from notifier.outcome import SEND
from notifier.store import DeliveryStore
from service_kit.clock import Clock
from service_kit.timers import with_due
from service_kit.tracing import present_traceparent

OURS = frozenset({"email", "sms"})
"""Web chat is delivered by its own gateway."""


class DeliveryWorkflow:
    """Takes requests in, once each."""

    def __init__(self, store: DeliveryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, requests: Sequence[OutboundMessageRequested]) -> None:
        """Store a delivery for each request of our channels, due at once; a repeated request changes nothing."""
        now, traceparent = self._clock.now(), present_traceparent()
        deliveries = [
            with_due(
                Delivery(
                    id=derive_id("del", request.message_id),
                    account_id=request.account_id,
                    ticket_id=request.ticket_id,
                    message_id=request.message_id,
                    channel=request.channel,
                    created_at=now,
                    updated_at=now,
                    request=request,
                    traceparent=traceparent,
                ),
                SEND,
                now,
            )
            for request in requests
            if request.channel in OURS
        ]
        if deliveries:
            await self._store.add(deliveries)
