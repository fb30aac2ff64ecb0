"""What agents do with one ticket, apart from writing: close, reopen, snooze, assign, tag, rank, mark as read."""

from collections.abc import Sequence

from contracts.tickets import Priority
from service_kit.auth import Principal
from tickets.life.ticket_edits import Assignee, SnoozeEnd, TicketEdits
from tickets.ticket.desk import Desk, Edit
from tickets.ticket.model import Ticket


class TicketActions:
    """Each returns the ticket as it is then; `expected` is the version the caller saw (L6)."""

    def __init__(self, desk: Desk, edits: TicketEdits) -> None:
        self._desk = desk
        self._edits = edits

    async def close(self, principal: Principal, ticket_id: str, expected: int | None) -> Ticket:
        """Out of the inbox."""
        return await self._change(principal, ticket_id, self._edits.close(principal), expected)

    async def reopen(self, principal: Principal, ticket_id: str, expected: int | None) -> Ticket:
        """Back into the inbox from closed or snoozed, with the assignee it had: whoever does it sees who that is."""
        return await self._change(principal, ticket_id, await self._edits.reopen(principal), expected)

    async def snooze(self, principal: Principal, ticket_id: str, end: SnoozeEnd, expected: int | None) -> Ticket:
        """Out of sight until a moment."""
        return await self._change(principal, ticket_id, await self._edits.snooze(principal, end), expected)

    async def assign(self, principal: Principal, ticket_id: str, assignee: Assignee, expected: int | None) -> Ticket:
        """To an agent, a team, or nobody; a person's choice wins over any decision on its way (A6)."""
        return await self._change(principal, ticket_id, await self._edits.assign(principal, assignee), expected)

    async def tag(self, principal: Principal, ticket_id: str, tags: Sequence[str], expected: int | None) -> Ticket:
        """Exactly these tags."""
        return await self._change(principal, ticket_id, self._edits.tag(principal, tags), expected)

    async def prioritise(
        self, principal: Principal, ticket_id: str, priority: Priority, expected: int | None
    ) -> Ticket:
        """As pressing as that."""
        return await self._change(principal, ticket_id, self._edits.prioritise(principal, priority), expected)

    async def mark(self, principal: Principal, ticket_id: str, *, read: bool) -> Ticket:
        """Read or unread, for the agent who asks."""
        return await self._change(principal, ticket_id, self._edits.mark(principal, read=read), None)

    async def _change(self, principal: Principal, ticket_id: str, edit: Edit, expected: int | None) -> Ticket:
        return await self._desk.change(principal.account_id, ticket_id, edit, expected=expected)
