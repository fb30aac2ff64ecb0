"""The timers of contacts, by what they are for: they survive restarts, because they live in the contact."""

from collections.abc import Awaitable, Callable, Mapping

from service_kit.clock import Clock
from service_kit.timers import Due, Timers
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore

FireContact = Callable[[Contact, Due], Awaitable[None]]


def contact_timers(contacts: ContactStore, clock: Clock, fires: Mapping[str, FireContact]) -> Timers[Contact]:
    """Timers that hand each kind of due time to whoever keeps it."""

    async def fire(contact: Contact, due: Due) -> None:
        await fires[due.kind](contact, due)

    return Timers(contacts.collection, clock, fire)
