"""Reading what a macro is filled in from."""

from contracts.settings import AccountSettings
from service_kit.auth import Principal
from service_kit.settings_copies import SettingsCopies
from tickets.contacts.contact_activity_store import ActivityQuery, ContactActivityStore
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_orders import ORDER_METRICS, Order, orders
from tickets.contacts.contact_store import ContactStore
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.custom.custom_fields import CustomValue
from tickets.macros.macro_variables import MacroFacts
from tickets.people.agent_directory import AgentLookup
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import no_such

_ORDER_EVENTS = 50
"""What happened to an order after it was placed is reported as further events."""


class MacroFactsReader:
    """Reads the facts about one ticket, for whoever uses a macro there."""

    def __init__(
        self,
        contacts: ContactStore,
        activities: ContactActivityStore,
        agents: AgentLookup,
        copies: SettingsCopies,
        fields: CustomFieldStore,
    ) -> None:
        self._contacts = contacts
        self._activities = activities
        self._agents = agents
        self._copies = copies
        self._fields = fields

    async def read(self, principal: Principal, ticket: Ticket) -> MacroFacts:
        """The facts as they are now.

        Raises:
            Problem: the ticket's contact is there no more.
        """
        contact = await self._contacts.get(principal.account_id, ticket.contact_id)
        if contact is None:
            raise no_such("contact")
        return MacroFacts(
            ticket=ticket,
            fields=await self._shown_fields(ticket),
            contact=contact,
            agent=await self._agents.get(principal.account_id, principal.agent_id) if principal.agent_id else None,
            account=await self._copies.get(principal.account_id, "account", AccountSettings),
            order=await self._newest_order(contact),
        )

    async def _shown_fields(self, ticket: Ticket) -> dict[str, CustomValue]:
        """What a deleted field was set to is said to nobody."""
        if not ticket.custom:
            return {}
        shown = await self._fields.shown(ticket.account_id, "ticket")
        return {key: value for key, value in ticket.custom.items() if key in shown}

    async def _newest_order(self, contact: Contact) -> Order | None:
        query = ActivityQuery(contact.ids, metrics=ORDER_METRICS)
        page = await self._activities.page(query, limit=_ORDER_EVENTS, cursor=None)
        return next(iter(orders(page.items)), None)
