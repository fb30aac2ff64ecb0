"""One delivery on its way out: claimed, marked, handed over, recorded."""

from opentelemetry.trace import SpanKind

from notifier.errors import Deferred
from notifier.mail_channel import MailChannel
from notifier.model import Delivery
from notifier.outcome import begun, deferred, handed_over, refused
from notifier.sms_channel import SmsChannel
from notifier.store import DeliveryStore
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import PermanentError, TransientError
from service_kit.outbox import Outbox
from service_kit.timers import Due
from service_kit.tracing import work_span

Channels = MailChannel | SmsChannel


class Sending:
    """Fires for each due delivery; safe to be called again after any crash."""

    def __init__(
        self, store: DeliveryStore, outbox: Outbox[Delivery], mail: MailChannel, sms: SmsChannel, clock: Clock
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._channels: dict[str, Channels] = {"email": mail, "sms": sms}
        self._clock = clock

    async def send(self, delivery: Delivery, _due: Due) -> None:
        """Make one attempt and record how it ended.

        An earlier attempt whose end nobody knows (a crash, a broken connection) may have been accepted: the message
        leaves once more under the same identity, and says so unless the other side tells duplicates itself.
        """
        about = {"deskbus.delivery_id": delivery.id, "deskbus.ticket_id": delivery.ticket_id or ""}
        with work_span(
            f"send {delivery.channel}", kind=SpanKind.CLIENT, traceparent=delivery.traceparent, attributes=about
        ):
            await self._attempt(delivery)

    async def _attempt(self, delivery: Delivery) -> None:
        was_interrupted = delivery.is_sending
        sending = await self._store.replace(begun(delivery, self._clock.now()))
        if sending is None:
            return
        channel = self._channels[sending.channel]
        may_be_doubled = was_interrupted and not channel.tells_duplicates
        try:
            handed = await channel.send(sending)
        except Deferred as error:
            in_doubt = error.in_doubt or may_be_doubled
            await self._record(deferred(sending, str(error), self._clock.now(), in_doubt=in_doubt))
        except TransientError as error:  # settings or attachments could not be read: nothing was handed over
            await self._record(deferred(sending, str(error), self._clock.now(), in_doubt=may_be_doubled))
        except PermanentError as error:
            await self._record(refused(sending, str(error), self._clock.now()))
        else:
            crash_point("notifier.accepted")
            await self._record(handed_over(sending, handed, self._clock.now(), may_be_doubled=may_be_doubled))

    async def _record(self, delivery: Delivery) -> None:
        stored = await self._store.replace(delivery)
        if stored is not None:
            await self._outbox.publish([stored])
