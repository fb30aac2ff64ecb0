"""Forgetting a contact (S3): what was sent to them, links in it, webhooks about it, and suppressed addresses.

That somebody declined automatic mail is their wish and outlives their data, as the hash that names its document; that
an address bounced does not. A delivery stays,
empty: the same request once more is known, and sends nothing.
"""

from datetime import datetime

from contracts.outbound import OutboundMessageRequested
from contracts.people import Party
from notifier.model import Delivery
from notifier.short_links import MOST_LINKS, code_of
from notifier.store import DeliveryStore
from notifier.suppression_store import SuppressionStore
from notifier.webhook_store import WebhookStore
from service_kit.erasure import ErasedContact


class NotifierErasure:
    """What notifier does when a contact is to be forgotten."""

    def __init__(self, deliveries: DeliveryStore, suppressions: SuppressionStore, webhooks: WebhookStore) -> None:
        self._deliveries = deliveries
        self._suppressions = suppressions
        self._webhooks = webhooks

    async def forget(self, contact: ErasedContact) -> int:
        """Empty deliveries, sent or not, and remove their links; how many documents that was."""
        found = await self._deliveries.of_customer(contact.account_id, contact.ticket_ids, contact.addresses)
        named = [delivery for delivery in found if delivery.request.contact_key]
        past = [delivery for delivery in named if delivery.created_at <= contact.at or _is_of(delivery, contact)]
        codes = [code_of(one.message_id, place) for one in past if one.channel == "sms" for place in range(MOST_LINKS)]
        removed = await self._deliveries.forget([_emptied(delivery, contact.at) for delivery in past], codes)
        removed += await self._webhooks.forget(contact.account_id, contact.ticket_ids)
        for address in contact.identities.emails:
            removed += await self._suppressions.forget(contact.account_id, address)
        return removed


def _is_of(delivery: Delivery, contact: ErasedContact) -> bool:
    return delivery.ticket_id in contact.ticket_ids


def _emptied(delivery: Delivery, at: datetime) -> Delivery:
    """What remains of a delivery, built anew so that no field is forgotten; one that waits is never sent."""
    request = delivery.request
    return Delivery(
        id=delivery.id,
        rev=delivery.rev,
        account_id=delivery.account_id,
        ticket_id=delivery.ticket_id,
        message_id=delivery.message_id,
        channel=delivery.channel,
        state="failed" if delivery.state == "queued" else delivery.state,
        reason="erased",
        attempt=delivery.attempt,
        created_at=delivery.created_at,
        updated_at=at,
        request=OutboundMessageRequested(
            id=request.id,
            account_id=request.account_id,
            time=request.time,
            message_id=request.message_id,
            ticket_id=request.ticket_id,
            channel=request.channel,
            purpose=request.purpose,
            contact_key="",
            recipient=Party(),
            text="",
        ),
    )
