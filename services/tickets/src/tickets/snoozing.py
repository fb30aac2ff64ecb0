"""The timer that ends a snooze (L2): it survives restarts, because it lives in the ticket."""

from service_kit.clock import Clock
from service_kit.timers import Due, Timers
from tickets.desk import Desk
from tickets.life import timer_rang
from tickets.model import Ticket

UNSNOOZE_LEASE_SECONDS = 30.0


class Snoozing:
    """Wakes tickets whose time has come."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self.timers = Timers(desk.tickets.collection, clock, self.wake, lease_seconds=UNSNOOZE_LEASE_SECONDS)

    async def wake(self, ticket: Ticket, due: Due) -> None:
        """End the snooze, unless it was ended or prolonged meanwhile; again changes nothing."""

        def edit(current: Ticket) -> Ticket:
            if not any(one.kind == due.kind for one in current.due):
                return current
            return timer_rang(current, now=self._clock.now())

        await self._desk.change(ticket.account_id, ticket.id, edit)
