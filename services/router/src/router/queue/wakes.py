"""What has the queue, or a ticket, looked at again apart from tickets and agents: settings, and time."""

from collections.abc import Sequence

from contracts.ids import derive_id
from contracts.routing import RoutingRequested
from contracts.settings import Area, SettingsChanged
from router.assigning.assigner import Assigner
from router.assigning.assigner_store import AssignerStore
from router.queue.queued_ticket import QueuedTicket
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.timers import Due, without_due

_AREAS: frozenset[Area] = frozenset({"agents", "assignment", "teams", "schedules"})


class Wakes:
    """Asks for routing by account, on the same topic as everything else: so it waits for its turn there."""

    def __init__(self, bus: Bus, assigners: AssignerStore, clock: Clock) -> None:
        self._bus = bus
        self._assigners = assigners
        self._clock = clock

    async def settings_changed(self, changes: Sequence[SettingsChanged]) -> None:
        """Other teams, agents, hours or rules: whoever waits may be assigned now."""
        newest = {change.account_id: change for change in changes if change.area in _AREAS}
        if newest:
            await self._bus.publish([_request(change) for change in newest.values()])

    async def hours_open(self, assigner: Assigner, due: Due) -> None:
        """The office opens (A4). The assigner sets the next opening itself when it closes again."""
        request = RoutingRequested(
            id=derive_id("rtr", assigner.id, due.kind, due.at.isoformat()),
            account_id=assigner.id,
            time=self._clock.now(),
            reason=due.kind,
        )
        await self._bus.publish([request])
        # Whoever wrote it meanwhile has set or removed the due time by its own look at the hours.
        await self._assigners.replace(without_due(assigner, due.kind))

    async def ticket_due(self, ticket: QueuedTicket, due: Due) -> None:
        """Time has passed for one ticket. The sitting that looks at it writes it without the due, or with a later one.

        Until then the claim holds; should the request be held up for longer, it is made once more.
        """
        request = RoutingRequested(
            id=derive_id("rtr", ticket.id, due.kind, due.at.isoformat()),
            account_id=ticket.account_id,
            time=self._clock.now(),
            reason=due.kind,
            ticket_id=ticket.ticket_id,
        )
        await self._bus.publish([request])


def _request(change: SettingsChanged) -> RoutingRequested:
    return RoutingRequested(
        id=derive_id("rtr", change.account_id, change.id),
        account_id=change.account_id,
        time=change.time,
        reason=change.type,
    )
