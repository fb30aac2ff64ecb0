"""Bounces of our mails: their delivery has failed after all, and an address that is no more gets no more mail (X7)."""

from collections.abc import Sequence

import structlog

from contracts.ids import derive_id
from contracts.mail import MailBounced
from notifier.bounce import is_for_good, reason_of
from notifier.model import Delivery, Suppression
from notifier.outcome import bounced, copy_bounced
from notifier.store import DeliveryStore
from notifier.suppression_store import SuppressionStore, suppression_id
from service_kit.clock import Clock
from service_kit.outbox import Outbox

log = structlog.get_logger(__name__)


class BounceWorkflow:
    """Takes bounces in; a repeated one changes nothing."""

    def __init__(
        self, store: DeliveryStore, suppressions: SuppressionStore, outbox: Outbox[Delivery], clock: Clock
    ) -> None:
        self._store = store
        self._suppressions = suppressions
        self._outbox = outbox
        self._clock = clock

    async def take(self, bounces: Sequence[MailBounced]) -> None:
        """Act on those of mails that we sent to the very recipient they name: a report is anybody's word otherwise."""
        for bounce in bounces:
            delivery = await self._store.get(derive_id("del", bounce.message_id))
            if delivery is None or delivery.account_id != bounce.account_id or not _was_sent_to(delivery, bounce):
                log.warning("bounce_of_nothing_sent", delivery_id=bounce.report_delivery_id)
                continue
            if is_for_good(bounce):
                await self._suppress(bounce)
            await self._fail(delivery, bounce)

    async def _suppress(self, bounce: MailBounced) -> None:
        await self._suppressions.add(
            Suppression(
                id=suppression_id(bounce.account_id, bounce.recipient),
                account_id=bounce.account_id,
                address=bounce.recipient.lower(),
                reason=reason_of(bounce),
                message_id=bounce.message_id,
                ticket_id=bounce.ticket_id,
                created_at=self._clock.now(),
            )
        )

    async def _fail(self, delivery: Delivery, bounce: MailBounced) -> None:
        current: Delivery | None = delivery
        while current is not None and (failed := self._failed(current, bounce)) is not None:
            stored = await self._store.replace(failed)
            if stored is not None:
                await self._outbox.publish([stored])
                return
            current = await self._store.get(delivery.id)

    def _failed(self, delivery: Delivery, bounce: MailBounced) -> Delivery | None:
        now, reason = self._clock.now(), reason_of(bounce)
        if _is_main_recipient(delivery, bounce):
            return bounced(delivery, reason, now)
        return copy_bounced(delivery, bounce.recipient, reason, now)


def _was_sent_to(delivery: Delivery, bounce: MailBounced) -> bool:
    thread = delivery.request.mail
    cc = thread.cc if thread else ()
    return _is_main_recipient(delivery, bounce) or bounce.recipient.lower() in {address.lower() for address in cc}


def _is_main_recipient(delivery: Delivery, bounce: MailBounced) -> bool:
    return (delivery.request.recipient.email or "").lower() == bounce.recipient.lower()
