"""A ticket as the API shows it, put together from the ticket and the names of those it concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from contracts.directories import TeamDirectory
from contracts.envelope import UtcDatetime
from contracts.people import Channel
from contracts.tickets import Priority, Status
from service_kit.settings_copies import SettingsCopies
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.custom.custom_fields import CustomValue
from tickets.people.agent_directory import AgentLookup
from tickets.ticket.model import Ticket


class NamedView(BaseModel):
    """An agent or a team; without a name where nobody knows it any more."""

    id: str
    name: str | None


class TicketContactView(BaseModel):
    """The customer, as much as a list needs."""

    id: str
    name: str | None
    email: str | None
    phone: str | None


class TicketView(BaseModel):
    """One ticket; `merged_into` is the one it became part of, `merged` are those that became part of it."""

    id: str
    number: int
    channel: Channel
    subject: str
    status: Status
    snoozed_until: UtcDatetime | None
    assignee: NamedView | None
    team: NamedView | None
    contact: TicketContactView
    tags: tuple[str, ...]
    priority: Priority
    created_at: UtcDatetime
    updated_at: UtcDatetime
    version: int
    unread: bool
    message_count: int
    follow_up_of: str | None
    followed_by: tuple[str, ...]
    suspected_thread_of: str | None
    merged_into: str | None
    merged: tuple[str, ...]
    custom: dict[str, CustomValue]
    cycle: int


@dataclass(frozen=True, slots=True)
class Names:
    """Who is who among some tickets, and which custom fields there are, in their order."""

    agents: Mapping[str, str]
    teams: Mapping[str, str]
    contacts: Mapping[str, Contact]
    fields: Sequence[str] = ()


class TicketViews:
    """Shows tickets: one read of agents and one of contacts for a whole page."""

    def __init__(
        self, contacts: ContactStore, agents: AgentLookup, copies: SettingsCopies, fields: CustomFieldStore
    ) -> None:
        self._contacts = contacts
        self._agents = agents
        self._copies = copies
        self._fields = fields

    async def one(self, ticket: Ticket, reader_id: str | None) -> TicketView:
        """A ticket as `reader_id` sees it."""
        return (await self.many(ticket.account_id, [ticket], reader_id))[0]

    async def many(self, account_id: str, tickets: Sequence[Ticket], reader_id: str | None) -> list[TicketView]:
        """Tickets of one account as `reader_id` sees them."""
        names = Names(
            agents=await self._agents.names(account_id, {t.assignee_id for t in tickets if t.assignee_id}),
            teams=await self._team_names(account_id, tickets),
            contacts=await self._contacts.get_many({ticket.contact_id for ticket in tickets}),
            fields=await self._field_keys(account_id, tickets),
        )
        return [view(ticket, names, reader_id) for ticket in tickets]

    async def _team_names(self, account_id: str, tickets: Sequence[Ticket]) -> Mapping[str, str]:
        if not any(ticket.team_id for ticket in tickets):
            return {}
        directory = await self._copies.get(account_id, "teams", TeamDirectory)
        return {team_id: team.name for team_id, team in directory.teams.items()}

    async def _field_keys(self, account_id: str, tickets: Sequence[Ticket]) -> Sequence[str]:
        """What a deleted field was set to stays in the ticket, and is shown no more."""
        return tuple(await self._fields.shown(account_id, "ticket")) if any(one.custom for one in tickets) else ()


def view(ticket: Ticket, names: Names, reader_id: str | None) -> TicketView:
    """One ticket; unread for a caller who is nobody is what nobody has read."""
    return TicketView(
        id=ticket.id,
        number=ticket.number,
        channel=ticket.channel,
        subject=ticket.subject,
        status=ticket.status,
        snoozed_until=ticket.snoozed_until,
        assignee=_named(ticket.assignee_id, names.agents),
        team=_named(ticket.team_id, names.teams),
        contact=_contact(ticket.contact_id, names.contacts.get(ticket.contact_id)),
        tags=ticket.tags,
        priority=ticket.priority,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        version=ticket.version,
        unread=reader_id not in ticket.read_by if reader_id else not ticket.read_by,
        message_count=ticket.message_count,
        follow_up_of=ticket.follow_up_of,
        followed_by=ticket.followed_by,
        suspected_thread_of=ticket.suspected_thread_of,
        merged_into=ticket.merged_into,
        merged=ticket.merged,
        custom={key: ticket.custom[key] for key in names.fields if key in ticket.custom},
        cycle=ticket.cycle,
    )


def _named(an_id: str | None, names: Mapping[str, str]) -> NamedView | None:
    return None if an_id is None else NamedView(id=an_id, name=names.get(an_id))


def _contact(contact_id: str, contact: Contact | None) -> TicketContactView:
    if contact is None:
        return TicketContactView(id=contact_id, name=None, email=None, phone=None)
    return TicketContactView(id=contact.id, name=contact.name, email=contact.email, phone=contact.phone)
