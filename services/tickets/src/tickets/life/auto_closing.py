"""Keeping `auto_close_after_hours` (L4): tickets are looked for by how long they have waited, account by account.

No timer lives in the tickets, because the account may change or switch off the time while they wait.
"""

from collections.abc import Mapping
from datetime import datetime

from contracts.settings import TicketSettings
from service_kit.clock import Clock
from service_kit.settings_copies import SettingsCopies
from service_kit.worker import PeriodicWorker
from tickets.life.auto_close import closed_if_quiet, quiet_before
from tickets.ticket.desk import Desk, Redraft
from tickets.ticket.model import Ticket

_INTERVAL_SECONDS = 15.0
_BATCH = 200


class AutoClosing:
    """Closes what is due; late after a downtime, and harmless when several replicas do."""

    def __init__(self, desk: Desk, copies: SettingsCopies, clock: Clock) -> None:
        self._desk = desk
        self._copies = copies
        self._clock = clock

    async def run(self) -> int:
        """Close all that is due; how many tickets were looked at."""
        seen = 0
        for account_id, settings in (await self._copies.all("tickets", TicketSettings)).items():
            if settings.auto_close_after_hours is not None:
                seen += await self._close_quiet(account_id, settings.auto_close_after_hours)
        return seen

    def worker(self) -> PeriodicWorker:
        """The same, over and over."""
        return PeriodicWorker("tickets.auto_close", _INTERVAL_SECONDS, self.run)

    async def _close_quiet(self, account_id: str, hours: int) -> int:
        before, seen, cursor = quiet_before(hours, self._clock.now()), 0, None
        while True:
            page = await self._desk.tickets.quiet(account_id, before, limit=_BATCH, cursor=cursor)
            if page.items:
                await self._desk.change_many((one.id for one in page.items), self._redraft(before))
            seen += len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return seen

    def _redraft(self, before: datetime) -> Redraft:
        async def redraft(tickets: Mapping[str, Ticket]) -> list[Ticket]:
            now = self._clock.now()
            drafts = {one.id: closed_if_quiet(one, before, now=now) for one in tickets.values()}
            return [draft for draft in drafts.values() if draft is not tickets[draft.id]]

        return redraft
