"""A webhook on its way in: whose it is, whether its signature fits, and what is kept if it does not."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter

from contracts.deliveries import DeliveryUpdated
from contracts.ids import derive_id, new_id
from contracts.intake import IntakeVerdictRecorded
from contracts.settings import SmsNumber, SmsSettings
from ingest_sms.errors import bad_signature, malformed_webhook, unknown_number
from ingest_sms.model import QuarantinedWebhook
from ingest_sms.phone_numbers import e164
from ingest_sms.store import SmsStore
from ingest_sms.twilio import MalformedWebhookError, TwilioMessage, is_signed, parse_message, parse_status
from ingest_sms.workflow import SmsWorkflow
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.settings_area import SettingsArea


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request as the provider signed it: the public URL, query included, and the form's fields."""

    url: str
    signature: str
    parameters: Mapping[str, str]
    source: str


class Webhooks:
    """Checks, then hands over to the workflow."""

    def __init__(
        self,
        store: SmsStore,
        settings: SettingsArea[SmsSettings],
        workflow: SmsWorkflow,
        bus: Bus,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        quarantine_per_source: int,
    ) -> None:
        self._store = store
        self._settings = settings
        self._workflow = workflow
        self._bus = bus
        self._clock = clock
        self._quarantine_per_source = quarantine_per_source
        self._unsigned = Counter(
            "sms_bad_signatures", "Webhooks whose signature fitted no token.", ["mode"], registry=registry
        )

    async def take_message(self, webhook: Webhook) -> str:
        """An inbound message; its delivery id once it is safe on the bus.

        Raises:
            Problem: 404 unknown number, 422 malformed, 403 bad signature (quarantined).
            Unavailable: the provider must try again.
        """
        try:
            message = parse_message(webhook.parameters)
        except MalformedWebhookError as error:
            raise malformed_webhook(str(error)) from error
        account_id, number, settings = await self._owner_of(message.recipient)
        await self._check_signature(webhook, account_id, number, settings, message)
        return await self._workflow.take(account_id, number, message, settings)

    async def take_status(self, webhook: Webhook, ticket_id: str | None, message_id: str) -> None:
        """A delivery receipt (M11) for one of our messages; unknown statuses change nothing.

        Raises:
            Problem: as for messages, but nothing is quarantined: the provider repeats receipts.
        """
        try:
            status = parse_status(webhook.parameters)
        except MalformedWebhookError as error:
            raise malformed_webhook(str(error)) from error
        account_id, number, settings = await self._owner_of(webhook.parameters.get("From", ""))
        if not self._fits(webhook, settings.numbers[number]):
            raise bad_signature()
        if status is None:
            return
        event = DeliveryUpdated(
            id=derive_id("evt", status.message_sid, status.state),
            account_id=account_id,
            time=self._clock.now(),
            subject_id=ticket_id or message_id,
            delivery_id=derive_id("del", message_id),
            message_id=message_id,
            ticket_id=ticket_id,
            channel="sms",
            state=status.state,
            reason=status.reason,
            provider_id=status.message_sid,
        )
        await self._bus.publish([event])

    async def _owner_of(self, recipient: str) -> tuple[str, str, SmsSettings]:
        number = e164(recipient) or recipient
        account_id = await self._store.account_of(number)
        if account_id is None:
            raise unknown_number(number)
        settings = await self._settings.get(account_id)
        if number not in settings.numbers:
            raise unknown_number(number)
        return account_id, number, settings

    async def _check_signature(
        self, webhook: Webhook, account_id: str, number: str, settings: SmsSettings, message: TwilioMessage
    ) -> None:
        if self._fits(webhook, settings.numbers[number]):
            return
        self._unsigned.labels(settings.signature_mode).inc()
        if settings.signature_mode == "observe":
            return
        await self._quarantine(webhook, account_id, number, message)
        raise bad_signature()

    def _fits(self, webhook: Webhook, number: SmsNumber) -> bool:
        return is_signed(webhook.signature, webhook.url, webhook.parameters, number.auth_tokens)

    async def _quarantine(self, webhook: Webhook, account_id: str, number: str, message: TwilioMessage) -> None:
        now = self._clock.now()
        kept = QuarantinedWebhook(
            id=new_id("qtn"),
            account_id=account_id,
            source=webhook.source,
            provider_message_id=message.message_sid,
            url=webhook.url,
            signature=webhook.signature,
            parameters=dict(webhook.parameters),
            received_at=now,
        )
        if not await self._store.quarantine(kept, at_most=self._quarantine_per_source):
            return
        verdict = IntakeVerdictRecorded(
            id=derive_id("evt", kept.id, "verdict"),
            account_id=account_id,
            time=now,
            delivery_id=kept.id,
            provider_message_id=message.message_sid[:1000],
            channel="sms",
            mailbox=number,
            verdict="quarantined",
            rule="signature",
            reason="bad_signature",
            received_at=now,
        )
        await self._bus.publish([verdict])
