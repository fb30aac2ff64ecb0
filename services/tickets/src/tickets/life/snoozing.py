"""The end of a snooze (L2)."""

from service_kit.clock import Clock
from service_kit.timers import Due
from tickets.life.life import timer_rang
from tickets.ticket.desk import Desk
from tickets.ticket.model import Ticket


class Snoozing:
    """Wakes tickets whose time has come."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def wake(self, ticket: Ticket, due: Due) -> None:
        """End the snooze, unless it was ended or prolonged meanwhile; again changes nothing."""

        def edit(current: Ticket) -> Ticket:
            if not any(one.kind == due.kind for one in current.due):
                return current
            return timer_rang(current, now=self._clock.now())

        await self._desk.change(ticket.account_id, ticket.id, edit)
