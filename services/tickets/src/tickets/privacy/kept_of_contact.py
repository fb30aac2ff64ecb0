"""What blocks set aside of one customer, wherever it lies (L9)."""

from collections.abc import AsyncIterator, Iterator

from contracts.erasure import ErasedIdentities
from tickets.contacts.contact_model import Contact
from tickets.privacy.block import block_id, candidates
from tickets.privacy.block_kept import KeptMessage
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure import named
from tickets.privacy.erasure_contact import identities


class KeptOfContact:
    """Finds it by the ids of the blocks that may have held it back: of the contact, its addresses, their domains."""

    def __init__(self, blocks: BlockStore) -> None:
        self._blocks = blocks

    async def read(self, contact: Contact) -> AsyncIterator[KeptMessage]:
        """Every message of theirs, block by block in the order in which it was received."""
        who = named(contact)
        addresses = frozenset(_addresses(who))
        ids = {block_id(contact.account_id, "contact", contact_id) for contact_id in contact.ids}
        for known_as in identities(contact.account_id, who):
            ids.update(candidates(contact.ids, known_as))
        for an_id in sorted(await self._blocks.get_many(ids)):
            async for kept in self._of_block(an_id):
                if kept.is_from(addresses):
                    yield kept

    async def _of_block(self, an_id: str) -> AsyncIterator[KeptMessage]:
        cursor: str | None = None
        while True:
            page = await self._blocks.kept_page(an_id, cursor=cursor)
            for kept in page.items:
                yield kept
            cursor = page.next_cursor
            if cursor is None:
                return


def _addresses(who: ErasedIdentities) -> Iterator[str]:
    """What they write from, as `KeptMessage.is_from` compares it."""
    yield from (one.strip().lower() for one in (*who.emails, *who.phones, *who.visitor_ids))
