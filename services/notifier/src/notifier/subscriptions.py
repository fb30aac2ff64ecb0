"""What notifier listens to."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.mail import MailBounced, MailCheckSeen
from contracts.outbound import OutboundMessageRequested
from contracts.tickets import TicketAgentMentioned, TicketEvent, TicketMessageRedacted
from contracts.topics import MAIL_BOUNCES, OUTBOUND_MESSAGES, TICKET_EVENTS
from notifier.bounce_workflow import BounceWorkflow
from notifier.forwarding_checks import ForwardingChecks
from notifier.redaction import Redaction
from notifier.staff_mailing import StaffMailing
from notifier.webhook_workflow import WebhookWorkflow
from notifier.workflow import DeliveryWorkflow
from service_kit.bus import Bus, Subscription

GROUP = "notifier"

_REST_SECONDS = 0.1
"""Webhooks and alerts go out this much later at most, and are read together under load."""


def subscribe(
    bus: Bus,
    deliveries: DeliveryWorkflow,
    webhooks: WebhookWorkflow,
    bounces: BounceWorkflow,
    staff: StaffMailing,
    redaction: Redaction,
    checks: ForwardingChecks,
) -> None:
    """Declare this service's readers."""

    async def take_requests(events: Sequence[Event]) -> None:
        await deliveries.take([event for event in events if isinstance(event, OutboundMessageRequested)])

    async def fan_out(events: Sequence[Event]) -> None:
        await webhooks.fan_out([event for event in events if isinstance(event, TicketEvent)])
        await staff.take([event for event in events if isinstance(event, TicketAgentMentioned)])
        await redaction.follow([event for event in events if isinstance(event, TicketMessageRedacted)])

    async def take_returns(events: Sequence[Event]) -> None:
        await bounces.take([event for event in events if isinstance(event, MailBounced)])
        await checks.take([event for event in events if isinstance(event, MailCheckSeen)])

    bus.subscribe(Subscription(MAIL_BOUNCES, GROUP, take_returns))
    bus.subscribe(Subscription(OUTBOUND_MESSAGES, GROUP, take_requests))
    bus.subscribe(Subscription(TICKET_EVENTS, GROUP, fan_out, rest_seconds=_REST_SECONDS))
