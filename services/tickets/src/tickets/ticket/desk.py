"""Changing one ticket: load, decide, compare-and-swap, publish; and again when somebody else was faster."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from service_kit.problem import Problem
from tickets.ticket.history import History
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import no_such, stale
from tickets.ticket.ticket_store import TicketStore
from tickets.writing.publication import Publication

_ATTEMPTS = 50

Edit = Callable[[Ticket], Ticket]
"""A pure change; it may raise a Problem, and gives the same object back where nothing changes."""

Redraft = Callable[[Mapping[str, Ticket]], Awaitable[Sequence[Ticket]]]
"""The tickets that change, as they shall be, from those that are there."""

logger = structlog.get_logger()


class TicketContended(TransientError):
    """A ticket changed each time it was about to be written."""


class Desk:
    """The one way to change tickets one by one. `outbox` is shared with whoever writes tickets in bulk."""

    def __init__(
        self, tickets: TicketStore, history: History, publication: Publication, bus: Bus, clock: Clock
    ) -> None:
        self.tickets = tickets
        self._history = history
        self.outbox = Outbox(tickets.collection, bus, clock, load=publication, name="tickets")

    async def load(self, account_id: str, ticket_id: str) -> Ticket:
        """One ticket.

        Raises:
            Problem: there is none of that id in this account.
        """
        ticket = await self.tickets.get(account_id, ticket_id)
        if ticket is None:
            raise no_such("ticket")
        return ticket

    async def change(self, account_id: str, ticket_id: str, edit: Edit, *, expected: int | None = None) -> Ticket:
        """The ticket as `edit` left it, stored; `expected` is the version it was meant for (L6).

        Raises:
            Problem: there is no such ticket, the version is another one (412), or `edit` refused.
        """
        for _ in range(_ATTEMPTS):
            ticket = await self.load(account_id, ticket_id)
            if expected is not None and expected != ticket.version:
                raise await self._stale(ticket, expected)
            wanted = edit(ticket)
            if wanted is ticket:
                return ticket
            outcome = await self.tickets.replace([wanted])
            if not outcome.lost:
                await self.publish(outcome.done)
                return outcome.done[0]
        raise TicketContended(f"ticket {ticket_id} changed {_ATTEMPTS} times meanwhile")

    async def change_many(self, ids: Iterable[str], redraft: Redraft, *, crash: str = "") -> None:
        """Change several tickets of any account, each on its own, until all are written.

        `crash` names the point between the write and the publishing.
        """
        waiting = frozenset(ids)
        for _ in range(_ATTEMPTS):
            outcome = await self.tickets.replace(await redraft(await self.tickets.get_many(waiting)))
            crash_point(crash)
            await self.publish(outcome.done)
            waiting = outcome.lost
            if not waiting:
                return
        raise TicketContended(f"{len(waiting)} tickets changed {_ATTEMPTS} times meanwhile")

    async def change_each(self, account_id: str, ids: Iterable[str], edit: Edit) -> Mapping[str, str]:
        """Do the same to many tickets, each on its own, with one read, one write and one publication for all.

        Those that it was refused for, by id, and the code of why. Who was faster is read and decided again.
        """
        refused: dict[str, str] = {}
        waiting = frozenset(ids)
        for _ in range(_ATTEMPTS):
            found, drafts = await self.tickets.get_many(waiting), list[Ticket]()
            for ticket_id in waiting:
                try:
                    ticket = _of_account(found.get(ticket_id), account_id)
                    draft = edit(ticket)
                except Problem as problem:
                    refused[ticket_id] = problem.code
                except TransientError:
                    refused[ticket_id] = "unavailable"
                else:
                    drafts += [] if draft is ticket else [draft]
            outcome = await self.tickets.replace(drafts)
            await self.publish(outcome.done)
            waiting = outcome.lost
            if not waiting:
                return refused
        raise TicketContended(f"{len(waiting)} tickets changed {_ATTEMPTS} times meanwhile")

    async def publish(self, tickets: Sequence[Ticket]) -> None:
        """Publish what stored tickets carry; what cannot leave now, the relay publishes later.

        The change itself is stored, so that an answer other than success would only make the caller do it twice.
        """
        try:
            await self.outbox.publish(tickets)
        except TransientError as error:
            logger.warning("publish_delayed", tickets=[ticket.id for ticket in tickets], error=repr(error))

    async def _stale(self, ticket: Ticket, expected: int) -> Problem:
        missed = await self._history.since(ticket, expected)
        return stale(ticket.version, expected, missed)


def _of_account(ticket: Ticket | None, account_id: str) -> Ticket:
    if ticket is None or ticket.account_id != account_id or ticket.erased_at is not None:
        raise no_such("ticket")
    return ticket
