"""Every query for tickets and their numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.people import Channel
from contracts.tickets import Priority, Status
from service_kit.docstore import All, Cmp, Collection, DocStore, Eq, Filter, Has, In, Match, Page, Sort
from tickets.custom.custom_fields import asked_terms
from tickets.ticket.model import TICKETS, Ticket
from tickets.ticket.search_text import search_text
from tickets.ticket.stored import Written, written

SortField = Literal["updated_at", "created_at", "urgency"]

_PAGE = 1_000
_OF_CONTACTS = 100


@dataclass(frozen=True, slots=True)
class TicketQuery:
    """What a list asks for; None does not narrow. `unassigned` asks for tickets without an assignee.

    `contact_ids` are those of one person, where contacts were merged.
    """

    account_id: str
    status: Status | None = None
    assignee_id: str | None = None
    unassigned: bool = False
    team_id: str | None = None
    channel: Channel | None = None
    tag: str | None = None
    priority: Priority | None = None
    contact_id: str | None = None
    text: str | None = None
    custom: Sequence[tuple[str, str]] = ()
    contact_ids: tuple[str, ...] = ()

    @property
    def where(self) -> Filter:
        """The query in the language of the store."""
        exact = {
            "status": self.status,
            "assignee_id": self.assignee_id,
            "team_id": self.team_id,
            "channel": self.channel,
            "contact_id": self.contact_id,
            "priority": self.priority,
        }
        parts: list[Filter] = [Eq("account_id", self.account_id), Eq("hidden", value=False)]
        parts += [Eq(field, value) for field, value in exact.items() if value is not None]
        if self.contact_ids:
            parts.append(In("contact_id", self.contact_ids))
        if self.unassigned:
            parts.append(Eq("assignee_id", None))
        if self.tag is not None:
            parts.append(Has("tags", (self.tag,)))
        parts += [Has("custom_terms", asked_terms(key, value)) for key, value in self.custom]
        if self.text is not None:
            asked = search_text(self.text)
            parts += [In("number", asked.numbers)] if asked.numbers else []
            parts += [Match(asked.words)] if asked.words is not None else []
        return All(*parts)


class TicketStore:
    """Tickets in the document store; whatever asks for an account sees only that account's."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[Ticket] = store.collection(TICKETS)

    async def get(self, account_id: str, ticket_id: str) -> Ticket | None:
        """One ticket of this account; one that was erased is there no more."""
        ticket = await self.collection.get(ticket_id)
        is_there = ticket is not None and ticket.account_id == account_id and ticket.erased_at is None
        return ticket if is_there else None

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, Ticket]:
        """Those that exist, of any account."""
        return await self.collection.get_many(ids)

    async def by_thread_keys(self, keys: Mapping[str, Iterable[str]]) -> Sequence[Ticket]:
        """The tickets that hold these threads, by account."""
        found: list[Ticket] = []
        for account_id, wanted in keys.items():
            page = await self.collection.find(
                All(Eq("account_id", account_id), In("thread_key", tuple(wanted))), limit=_PAGE
            )
            found += page.items
        return found

    async def last_closed(self, account_id: str, contact_ids: Iterable[str], channel: Channel) -> Mapping[str, Ticket]:
        """The ticket last closed of each contact on a channel; a merged one is closed for good."""
        where = All(
            Eq("account_id", account_id),
            In("contact_id", tuple(contact_ids)),
            Eq("channel", channel),
            Eq("status", "closed"),
        )
        page = await self.collection.find(where, sort=Sort("updated_at", descending=True), limit=_PAGE)
        latest: dict[str, Ticket] = {}
        for ticket in page.items:
            if ticket.merged_into is None and not ticket.hidden:
                latest.setdefault(ticket.contact_id, ticket)
        return latest

    async def of_contacts(self, account_id: str, contact_ids: Iterable[str], *, cursor: str | None) -> Page[Ticket]:
        """All tickets of contacts by id, hidden and erased ones as well."""
        where = All(Eq("account_id", account_id), In("contact_id", tuple(contact_ids)))
        return await self.collection.find(where, limit=_OF_CONTACTS, cursor=cursor)

    async def find(
        self, query: TicketQuery, *, sort: SortField, descending: bool, limit: int, cursor: str | None
    ) -> Page[Ticket]:
        """A page of a list."""
        return await self.collection.find(query.where, sort=Sort(sort, descending), limit=limit, cursor=cursor)

    async def quiet(self, account_id: str, before: datetime, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Tickets that have waited for their customer since `before`, the longest first."""
        where = All(Eq("account_id", account_id), Cmp("awaits_customer_since", "<=", before))
        return await self.collection.find(where, sort=Sort("awaits_customer_since"), limit=limit, cursor=cursor)

    async def count(self, query: TicketQuery, *, at_most: int) -> int:
        """How many tickets a list has."""
        return await self.collection.count(query.where, at_most=at_most)

    async def count_read(self, inbox_reader: str, *, at_most: int) -> int:
        """How many tickets an agent has read in one inbox of theirs."""
        return await self.collection.count(Has("inbox_readers", (inbox_reader,)), at_most=at_most)

    async def insert(self, tickets: Sequence[Ticket]) -> Written[Ticket]:
        """Add new ones; lost where the id or the thread key is taken."""
        return written(tickets, await self.collection.insert_many(tickets))

    async def replace(self, tickets: Sequence[Ticket]) -> Written[Ticket]:
        """Change some; lost where somebody else was faster."""
        return written(tickets, await self.collection.replace_many(tickets))
