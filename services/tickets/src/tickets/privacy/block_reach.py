"""Whom a block is about, and which tickets it hides: found from its kind and value."""

from collections.abc import AsyncIterator, Callable

from contracts.erasure import ErasedIdentities
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contacts import identity, published
from tickets.privacy.block import Block, covers
from tickets.privacy.erasure import named
from tickets.ticket.desk import Desk
from tickets.ticket.model import Ticket

_ATTEMPTS = 20


class BlockReach:
    """Reads and marks what a block covers."""

    def __init__(self, desk: Desk, contacts: ContactStore, outbox: Outbox[Contact], clock: Clock) -> None:
        self._desk = desk
        self._contacts = contacts
        self._outbox = outbox
        self._clock = clock

    async def contacts(self, block: Block) -> list[Contact]:
        """The contacts that have what is blocked, as they are now."""
        if block.kind == "contact":
            ids = {block.value}
        elif block.kind == "domain":
            ids = {contact_id async for contact_id in self._under(block)}
        else:
            known_as = identity(block.account_id, block.kind, block.value)
            ids = {one.contact_id for one in (await self._contacts.identities([known_as.id])).values()}
        found = await self._contacts.get_many(ids)
        mine = (one for one in found.values() if one.account_id == block.account_id)
        return list({contact.id: contact for contact in mine}.values())

    async def change_tickets(self, block: Block, edit: Callable[[Ticket], Ticket]) -> None:
        """Change every ticket that the block covers."""
        for contact in await self.contacts(block):
            async for ticket in self._tickets_of(contact):
                if ticket.erased_at is None and covers(block, ticket, contact.ids):
                    await self._desk.change(ticket.account_id, ticket.id, edit)

    async def mark(self, block: Block, *, blocked: bool) -> None:
        """Say of a contact that it is blocked, or no more, to whoever follows contacts."""
        if block.kind != "contact":
            return
        for _ in range(_ATTEMPTS):
            contact = await self._contacts.get(block.account_id, block.value)
            if contact is None or contact.blocked == blocked:
                return
            marked = published(contact, contact.model_copy(update={"blocked": blocked}), self._clock.now())
            outcome = await self._contacts.write([marked])
            if not outcome.lost:
                await self._outbox.publish(outcome.done)
                return
        raise TransientError(f"contact {block.value} changed {_ATTEMPTS} times meanwhile")

    async def _under(self, block: Block) -> AsyncIterator[str]:
        cursor: str | None = None
        while True:
            page = await self._contacts.of_domain(block.account_id, block.value, cursor=cursor)
            for known_as in page.items:
                yield known_as.contact_id
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _tickets_of(self, contact: Contact) -> AsyncIterator[Ticket]:
        cursor: str | None = None
        while True:
            page = await self._desk.tickets.of_contacts(contact.account_id, contact.ids, cursor=cursor)
            for ticket in page.items:
                yield ticket
            cursor = page.next_cursor
            if cursor is None:
                return


def covered(block: Block, contact: Contact) -> ErasedIdentities:
    """What of a contact's names the block is about."""
    whole = named(contact)
    if block.kind == "contact":
        return whole
    if block.kind == "domain":
        mine = tuple(email for email in whole.emails if email.lower().rpartition("@")[2] == block.value)
        return ErasedIdentities(emails=mine)
    field = {"email": "emails", "phone": "phones", "visitor": "visitor_ids"}[block.kind]
    return ErasedIdentities.model_validate({field: (block.value,)})


def is_all_of(part: ErasedIdentities, contact: Contact) -> bool:
    """Whether nothing else names the contact."""
    return set(part.model_dump().items()) >= set(named(contact).model_dump().items())
