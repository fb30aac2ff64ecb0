"""What became of outgoing messages, told on their tickets (M11)."""

from collections.abc import Mapping, Sequence

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.tickets import TicketDeliveryUpdated, TicketEvent
from service_kit.clock import Clock
from tickets.metrics import TicketMetrics
from tickets.ticket.desk import Desk
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_events import SYSTEM, say
from tickets.writing.delivery_state import advances
from tickets.writing.publication import projected


class DeliveryReports:
    """The use case behind `delivery-events-v1`."""

    def __init__(self, desk: Desk, messages: MessageStore, clock: Clock, metrics: TicketMetrics) -> None:
        self._desk = desk
        self._messages = messages
        self._clock = clock
        self._metrics = metrics

    async def take_in(self, events: Sequence[Event]) -> None:
        """Tell each report that says something new; those about messages of no ticket are not ours."""
        reports = [event for event in events if isinstance(event, DeliveryUpdated) and event.ticket_id is not None]

        async def redraft(tickets: Mapping[str, Ticket]) -> Sequence[Ticket]:
            # Read after the tickets: what has left an outbox by then has reached its message.
            messages = await self._messages.get_many({report.message_id for report in reports})
            return reported(tickets, messages, reports, self._clock)

        await self._desk.change_many({str(report.ticket_id) for report in reports}, redraft)
        self._metrics.count_delivery_reports(reports)


def reported(
    tickets: Mapping[str, Ticket], messages: Mapping[str, Message], reports: Sequence[DeliveryUpdated], clock: Clock
) -> Sequence[Ticket]:
    """The tickets that have something new to tell."""
    drafts, now = dict(tickets), clock.now()
    for report in reports:
        ticket = drafts.get(str(report.ticket_id))
        if ticket is None or not _is_news(ticket, messages.get(report.message_id), report):
            continue
        drafts[ticket.id] = say(
            ticket,
            TicketDeliveryUpdated,
            actor=SYSTEM,
            cause="delivery",
            now=now,
            message_id=report.message_id,
            state=report.state,
            reason=report.reason,
        )
    return [draft for draft in drafts.values() if draft is not tickets[draft.id]]


def _is_news(ticket: Ticket, message: Message | None, report: DeliveryUpdated) -> bool:
    if message is None or message.account_id != ticket.account_id:  # a split may have moved it to another ticket
        return False
    told = [event for entry in ticket.outbox if isinstance(event := entry.event(), TicketEvent)]
    return advances(projected({message.id: message}, told)[message.id].delivery, report.state, report.reason)
