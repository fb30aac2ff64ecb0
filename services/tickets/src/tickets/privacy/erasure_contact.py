"""Forgetting who a customer was: what is known of them, their addresses, and what they did elsewhere."""

from collections.abc import Mapping

from contracts.erasure import ErasedIdentities
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from tickets.contacts.contact_model import Contact, Identity
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contacts import identity, published
from tickets.privacy.erasure import Erasure, erased_contact, without_addresses
from tickets.privacy.number_stop import NumberStops, stops_of


class ErasureContact:
    """The part of an erasure that is about the contact itself."""

    def __init__(self, contacts: ContactStore, outbox: Outbox[Contact], stops: NumberStops, clock: Clock) -> None:
        self._contacts = contacts
        self._outbox = outbox
        self._stops = stops
        self._clock = clock

    async def forget(self, erasure: Erasure, named: ErasedIdentities) -> None:
        """Forget them, all that they are known by, or with `whole` false these addresses only. Stops stay as hashes.

        Raises:
            TransientError: the contact changed meanwhile; again goes on where this ended.
        """
        contact = await self._contacts.stored(erasure.contact_id)
        if contact is None:
            return
        await self._stops.keep([stop for stop in stops_of(contact) if erasure.whole or _is_of(stop.id, contact, named)])
        await self._contacts.forget_identities(one.id for one in identities(erasure.account_id, named))
        if erasure.whole:
            for contact_id in erasure.contact_ids:
                await self._contacts.forget_activities(contact_id)
        await self._write(contact, self._reduced(contact, erasure, named))

    async def versions(self, erasure: Erasure) -> Mapping[str, int]:
        """The last published version of all they were known as."""
        found = [await self._contacts.stored(contact_id) for contact_id in erasure.contact_ids]
        return {contact.id: contact.version for contact in found if contact is not None}

    def _reduced(self, contact: Contact, erasure: Erasure, named: ErasedIdentities) -> Contact:
        if not erasure.whole:
            return without_addresses(contact, named)
        return contact if contact.erased_at is not None else erased_contact(contact, self._clock.now())

    async def _write(self, before: Contact, after: Contact) -> None:
        if after == before:
            return
        outcome = await self._contacts.write([published(before, after, self._clock.now())])
        if outcome.lost:
            raise TransientError(f"contact {before.id} changed while it was to be forgotten")
        await self._outbox.publish(outcome.done)


def identities(account_id: str, named: ErasedIdentities) -> list[Identity]:
    """The identities behind what names somebody."""
    return [
        *(identity(account_id, "email", email) for email in named.emails),
        *(identity(account_id, "phone", phone) for phone in named.phones),
        *(identity(account_id, "visitor", visitor_id) for visitor_id in named.visitor_ids),
        *(identity(account_id, "external", external_id) for external_id in named.external_ids),
    ]


def _is_of(stop_id: str, contact: Contact, named: ErasedIdentities) -> bool:
    return stop_id in {identity(contact.account_id, "phone", phone).id for phone in named.phones}
