"""What the gateway listens to."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.tickets import TicketClosed, TicketMessageAdded, TicketMessageRedacted
from contracts.topics import OUTBOUND_MESSAGES, TICKET_EVENTS
from service_kit.bus import Bus, Subscription
from webchat_gateway.redaction import ChatRedaction
from webchat_gateway.workflow import ChatWorkflow

GROUP = "webchat-gateway"

_REST_SECONDS = 0.1
"""Of tickets only what becomes of a conversation matters here; answers come by another topic, at once."""


def subscribe(bus: Bus, workflow: ChatWorkflow, redaction: ChatRedaction) -> None:
    """Declare this service's readers."""

    async def answer_visitors(events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, OutboundMessageRequested) and event.channel == "web_chat":
                await workflow.answer(event)

    async def follow_tickets(events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, TicketMessageAdded) and event.conversation_id and event.kind == "inbound":
                await workflow.belongs_to(event.conversation_id, event.account_id, event.ticket)
            elif isinstance(event, TicketClosed) and _ends_a_chat(event):
                await workflow.close(event.account_id, event.ticket_id)
            elif isinstance(event, TicketMessageRedacted):
                await redaction.follow(event)

    bus.subscribe(Subscription(OUTBOUND_MESSAGES, GROUP, answer_visitors))
    followed = (TicketMessageAdded, TicketClosed, TicketMessageRedacted)
    bus.subscribe(Subscription(TICKET_EVENTS, GROUP, follow_tickets, only=followed, rest_seconds=_REST_SECONDS))


def _ends_a_chat(event: TicketClosed) -> bool:
    """A ticket that was merged is closed, and its conversation goes on in another one (L7)."""
    return event.ticket.channel == "web_chat" and event.ticket.merged_into is None
