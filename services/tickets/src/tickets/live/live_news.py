"""Waking the open streams that a ticket's events concern, on every replica, without keeping the publisher waiting."""

import asyncio
from collections.abc import Sequence

from contracts.tickets import TicketEvent
from service_kit.fan_out import FanOut

CHANNEL = "deskbus:tickets"

_STOP_SECONDS = 2.0


def of_ticket(ticket_id: str) -> str:
    """What whoever follows one ticket waits for."""
    return f"ticket:{ticket_id}"


def of_account(account_id: str) -> str:
    """What whoever follows a list of an account's tickets waits for."""
    return f"account:{account_id}"


class LiveNews:
    """Gathers what there is to say while the last nudge is on its way: intake is not to wait for Redis. A `Part`."""

    def __init__(self, fan_out: FanOut) -> None:
        self._fan_out = fan_out
        self._untold: dict[str, None] = {}
        self._telling: asyncio.Task[None] | None = None

    def tell(self, events: Sequence[TicketEvent]) -> None:
        """Wake, soon, whoever follows the tickets of these events, or lists of their accounts."""
        for event in events:
            self._untold[of_ticket(event.ticket_id)] = None
            self._untold[of_account(event.account_id)] = None
        if self._untold and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(), name="live news")

    async def start(self) -> None:
        """Hear the other replicas."""
        await self._fan_out.start()

    async def stop(self) -> None:
        """Say what is left to say, and listen no more."""
        if self._telling is not None:
            await asyncio.wait([self._telling], timeout=_STOP_SECONDS)
        await self._fan_out.stop()

    async def _tell(self) -> None:
        while self._untold:
            keys, self._untold = tuple(self._untold), {}
            await self._fan_out.nudge(*keys)
