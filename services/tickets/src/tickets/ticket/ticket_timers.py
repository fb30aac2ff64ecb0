"""The timers of tickets, by what they are for: they survive restarts, because they live in the ticket."""

from collections.abc import Awaitable, Callable, Mapping

from service_kit.clock import Clock
from service_kit.timers import Due, Timers
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_store import TicketStore

LEASE_SECONDS = 30.0

Fire = Callable[[Ticket, Due], Awaitable[None]]


def ticket_timers(tickets: TicketStore, clock: Clock, fires: Mapping[str, Fire]) -> Timers[Ticket]:
    """Timers that hand each kind of due time to whoever keeps it."""

    async def fire(ticket: Ticket, due: Due) -> None:
        await fires[due.kind](ticket, due)

    return Timers(tickets.collection, clock, fire, lease_seconds=LEASE_SECONDS)
