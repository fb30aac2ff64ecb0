"""Following a redaction (N1): what a delivery was to say goes, and one that has not left never leaves."""

from collections.abc import Sequence
from datetime import datetime

from contracts.ids import derive_id
from contracts.tickets import TicketMessageRedacted
from notifier.model import Delivery
from notifier.outcome import refused
from notifier.store import DeliveryStore
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.outbox import Outbox

REASON = "redacted"


class Redaction:
    """What notifier does when an admin took a message's text away."""

    def __init__(self, store: DeliveryStore, outbox: Outbox[Delivery], clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def follow(self, events: Sequence[TicketMessageRedacted]) -> None:
        """Empty the deliveries of redacted messages; again changes nothing.

        Raises:
            TransientError: somebody changed a delivery meanwhile; the batch comes again.
        """
        for event in events:
            delivery = await self._store.get(derive_id("del", event.message_id))
            if delivery is None or delivery.account_id != event.account_id or is_empty(delivery):
                continue
            stored = await self._store.replace(emptied(delivery, self._clock.now()))
            if stored is None:
                raise TransientError(f"delivery {delivery.id} changed meanwhile")
            await self._outbox.publish([stored])


def is_empty(delivery: Delivery) -> bool:
    """Whether it says nothing any more."""
    request = delivery.request
    return not (request.text or request.html or request.attachments)


def emptied(delivery: Delivery, now: datetime) -> Delivery:
    """The delivery without what it says; one that waits, for whomever, or is in doubt, is tried no more."""
    nothing = delivery.request.model_copy(update={"text": "", "html": None, "attachments": ()})
    delivery = delivery.model_copy(update={"request": nothing})
    return refused(delivery, REASON, now) if delivery.due or not delivery.is_told else delivery
