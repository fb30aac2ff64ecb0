"""What an agent wants to know of a customer at a glance (V3): read here, computed in `contact_forecast`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from service_kit.clock import Clock
from tickets.contacts.contact_activity_store import ActivityQuery, ContactActivityStore
from tickets.contacts.contact_forecast import Forecast, Missing, OrderFigures, figures, forecast, values_in
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_orders import ORDER_METRICS, PLACED, Order, orders
from tickets.contacts.contact_store import ContactStore
from tickets.lists.ticket_lists import Count, TicketLists
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import no_such
from tickets.ticket.ticket_store import TicketQuery, TicketStore

RECENT_ORDERS = 10

_ORDER_EVENTS = 1_000
_ORDERS_OF_ACCOUNT = 200
_TICKETS = 100


@dataclass(frozen=True, slots=True)
class Profile:
    """One customer. Figures of orders are of the newest thousand events about orders."""

    contact: Contact
    open_tickets: Count
    tickets: Count
    last_heard: Ticket | None
    figures: OrderFigures
    recent_orders: Sequence[Order]
    forecast: Forecast | Missing


class ContactProfiles:
    """Puts profiles together."""

    def __init__(
        self,
        contacts: ContactStore,
        activities: ContactActivityStore,
        tickets: TicketStore,
        lists: TicketLists,
        clock: Clock,
    ) -> None:
        self._contacts = contacts
        self._activities = activities
        self._tickets = tickets
        self._lists = lists
        self._clock = clock

    async def show(self, account_id: str, contact_id: str) -> Profile:
        """The profile of a customer, by any of their ids.

        Raises:
            Problem: there is no such contact.
        """
        contact = await self._contacts.get(account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        query = ActivityQuery(contact.ids, metrics=ORDER_METRICS)
        counts, last_heard, page, population = await asyncio.gather(
            self._lists.of_contact(account_id, contact.id),
            self._last_heard(contact),
            self._activities.page(query, limit=_ORDER_EVENTS, cursor=None),
            self._activities.newest_of_account(account_id, PLACED, at_most=_ORDERS_OF_ACCOUNT),
        )
        placed = orders(page.items)
        sums = figures(placed)
        values = values_in(orders(population), sums.currency)
        mean = sum(values) / len(values) if values else None
        return Profile(
            contact=contact,
            open_tickets=counts[0],
            tickets=counts[1],
            last_heard=last_heard,
            figures=sums,
            recent_orders=placed[:RECENT_ORDERS],
            forecast=forecast(placed, mean, self._clock.now()),
        )

    async def _last_heard(self, contact: Contact) -> Ticket | None:
        """The ticket that the customer wrote to last: no ticket changed before their last word there."""
        query = TicketQuery(contact.account_id, contact_ids=contact.ids)
        latest: Ticket | None = None
        cursor = None
        while True:
            page = await self._tickets.find(query, sort="updated_at", descending=True, limit=_TICKETS, cursor=cursor)
            for ticket in page.items:
                if latest is None or _is_later(ticket, latest):
                    latest = ticket
            cursor = page.next_cursor
            heard = latest.last_inbound_at if latest else None
            if cursor is None or (heard is not None and heard >= page.items[-1].updated_at):
                return latest


def _is_later(ticket: Ticket, than: Ticket) -> bool:
    if ticket.last_inbound_at is None:
        return False
    return than.last_inbound_at is None or ticket.last_inbound_at > than.last_inbound_at
