"""Every query for the router's copies of tickets, and so for the queue."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from router.queue.queued_ticket import QUEUED_TICKETS, QueuedTicket, queued_ticket_id
from service_kit.docstore import All, Collection, DocStore, Eq, Fate, Page, Sort
from service_kit.errors import TransientError


class QueueContended(TransientError):
    """Another replica changed these tickets meanwhile; what it saw is read again."""


class QueueStore:
    """Tickets as the router knows them. Every read but that of the oldest names the account."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[QueuedTicket] = store.collection(QUEUED_TICKETS)

    async def find(self, account_id: str, ticket_id: str) -> QueuedTicket | None:
        """One ticket."""
        return await self.collection.get(queued_ticket_id(account_id, ticket_id))

    async def get_many(self, account_id: str, ticket_ids: Iterable[str]) -> Mapping[str, QueuedTicket]:
        """Those that are known, by ticket id."""
        found = await self.collection.get_many({queued_ticket_id(account_id, ticket_id) for ticket_id in ticket_ids})
        return {ticket.ticket_id: ticket for ticket in found.values()}

    async def waiting(self, account_id: str, *, limit: int, cursor: str | None) -> Page[QueuedTicket]:
        """The queue, longest waiting first."""
        waiting = All(Eq("account_id", account_id), Eq("is_waiting", value=True))
        return await self.collection.find(waiting, sort=Sort("queued_at"), limit=limit, cursor=cursor)

    async def oldest_since(self) -> datetime | None:
        """Since when the ticket waits that waits longest, of all accounts: for operators, who see no more of it."""
        page = await self.collection.find(Eq("is_waiting", value=True), sort=Sort("queued_at"), limit=1)
        return page.items[0].queued_at if page.items else None

    async def open_of(self, account_id: str, agent_id: str, *, limit: int, cursor: str | None) -> Page[QueuedTicket]:
        """What an agent has open."""
        theirs = All(Eq("account_id", account_id), Eq("counts_for", agent_id))
        return await self.collection.find(theirs, limit=limit, cursor=cursor)

    async def save(self, tickets: Sequence[QueuedTicket]) -> None:
        """Insert those that are new, replace the others.

        Raises:
            QueueContended: another replica was faster with one of them.
        """
        new = [ticket for ticket in tickets if ticket.rev == 0]
        known = [ticket for ticket in tickets if ticket.rev > 0]
        fates = [
            *(await self.collection.insert_many(new) if new else ()),
            *(await self.collection.replace_many(known) if known else ()),
        ]
        if any(fate is not Fate.DONE for fate in fates):
            raise QueueContended("tickets changed while they were being routed")
