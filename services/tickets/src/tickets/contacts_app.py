"""Composition of what agents do with contacts: look, filter, merge."""

from collections.abc import Sequence

from service_kit.clock import Clock
from service_kit.docstore import DocStore
from service_kit.http.routes import Routes
from tickets.contacts.contact_activity_store import ContactActivityStore
from tickets.contacts.contact_event_filter_store import ContactEventFilterStore
from tickets.contacts.contact_event_filter_workflow import ContactEventFilters
from tickets.contacts.contact_event_filters_api import contact_event_filters_router
from tickets.contacts.contact_merge_api import contact_merge_router
from tickets.contacts.contact_merge_workflow import ContactMerging
from tickets.contacts.contact_profile import ContactProfiles
from tickets.contacts.contact_profile_api import contact_profile_router
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contacts_api import contacts_router
from tickets.lists.ticket_lists import TicketLists
from tickets.ticket.ticket_store import TicketStore

CONTACT_PREFIXES = ("/v1/contacts", "/v1/contact-event-filters")


def contact_routers(
    store: DocStore,
    contacts: ContactStore,
    tickets: TicketStore,
    lists: TicketLists,
    merging: ContactMerging,
    clock: Clock,
) -> Sequence[Routes]:
    """The routes of contacts."""
    activities, filters = ContactActivityStore(store), ContactEventFilters(ContactEventFilterStore(store), clock)
    profiles = ContactProfiles(contacts, activities, tickets, lists, clock)
    return (
        contacts_router(contacts),
        contact_profile_router(contacts, activities, profiles, filters, clock),
        contact_merge_router(merging),
        contact_event_filters_router(filters),
    )
