"""What notifier listens to."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.tickets import TicketEvent
from contracts.topics import OUTBOUND_MESSAGES, TICKET_EVENTS
from notifier.webhook_workflow import WebhookWorkflow
from notifier.workflow import DeliveryWorkflow
from service_kit.bus import Bus, Subscription

GROUP = "notifier"


def subscribe(bus: Bus, deliveries: DeliveryWorkflow, webhooks: WebhookWorkflow) -> None:
    """Declare this service's readers."""

    async def take_requests(events: Sequence[Event]) -> None:
        await deliveries.take([event for event in events if isinstance(event, OutboundMessageRequested)])

    async def fan_out(events: Sequence[Event]) -> None:
        await webhooks.fan_out([event for event in events if isinstance(event, TicketEvent)])

    bus.subscribe(Subscription(OUTBOUND_MESSAGES, GROUP, take_requests))
    bus.subscribe(Subscription(TICKET_EVENTS, GROUP, fan_out))
