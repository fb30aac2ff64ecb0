"""Gathers, per account, what may let a ticket be assigned: one assigner per account at a time.

It keeps no state: each request's id derives from the event behind it, and whoever assigns drops what it has seen.
"""

from collections.abc import Sequence
from typing import cast

from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.routing import RoutingRequested
from contracts.tickets import (
    TicketAssigned,
    TicketAssignmentRefused,
    TicketClosed,
    TicketCreated,
    TicketEvent,
    TicketMessageAdded,
    TicketReopened,
    TicketSnoozed,
    TicketTagsChanged,
    TicketUnassigned,
    TicketUnsnoozed,
    TicketVisibilityChanged,
)
from service_kit.bus import Bus

ROUTING_EVENTS: tuple[type[TicketEvent], ...] = (
    TicketCreated,
    TicketAssigned,
    TicketUnassigned,
    TicketAssignmentRefused,
    TicketClosed,
    TicketMessageAdded,
    TicketReopened,
    TicketSnoozed,
    TicketUnsnoozed,
    TicketTagsChanged,
    TicketVisibilityChanged,
)
"""What changes whether, or to whom, a ticket can be assigned, or whether it was answered."""


class Rekey:
    """Turns ticket events into routing requests."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def gather(self, events: Sequence[Event]) -> None:
        """Publish one request for each event that matters, in their order."""
        requests = [routing_request(cast("TicketEvent", event)) for event in events if _matters(event)]
        if requests:
            await self._bus.publish(requests)


def _matters(event: Event) -> bool:
    """Of messages only an agent's reply does: it is the answer that a ticket waits for."""
    return not isinstance(event, TicketMessageAdded) or (event.kind == "outbound" and not event.automatic)


def routing_request(event: TicketEvent) -> RoutingRequested:
    """The request that an event of a ticket makes."""
    decided = event if isinstance(event, TicketAssigned | TicketAssignmentRefused) else None
    return RoutingRequested(
        id=derive_id("rtr", event.account_id, event.id),
        account_id=event.account_id,
        time=event.time,
        reason=event.type,
        ticket=event.ticket,
        ticket_seq=event.seq,
        decision_id=decided.decision_id if decided else None,
    )
