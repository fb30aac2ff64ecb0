"""What stands at the door of intake: blocks of senders, and stops that outlived what was known of a number (L9, M5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tickets.contacts.contact_model import Contact, Identity
from tickets.privacy.block import Block, candidates
from tickets.privacy.block_store import BlockStore
from tickets.privacy.number_stop import NumberStops, with_stop


@dataclass(frozen=True, slots=True)
class IntakeGuard:
    """Of one batch: blocks that may concern it, by id; those that set nothing (more) aside; stops by identity."""

    blocks: Mapping[str, Block] = field(default_factory=dict)
    full: frozenset[str] = frozenset()
    stops: Mapping[str, datetime] = field(default_factory=dict)

    def block_of(self, contact: Contact, known_as: Identity) -> Block | None:
        """The closest block that covers a message of this contact."""
        return next((self.blocks[one] for one in candidates(contact.ids, known_as) if one in self.blocks), None)

    def with_stop(self, contact: Contact, known_as: Identity) -> Contact:
        """The contact with what its number said before it was forgotten."""
        return with_stop(contact, known_as, self.stops.get(known_as.id))


class GuardReader:
    """Reads it, for any number of senders in two round trips."""

    def __init__(self, blocks: BlockStore, stops: NumberStops) -> None:
        self._blocks = blocks
        self._stops = stops

    async def read(
        self,
        wanted: Mapping[str, Identity],
        identities: Mapping[str, Identity],
        contacts: Mapping[str, Contact],
        *,
        lifted: frozenset[str],
    ) -> IntakeGuard:
        """For the senders `wanted`, as far as they are known; blocks being `lifted` do not count."""
        ids: set[str] = set()
        for asked in wanted.values():
            known_as = identities.get(asked.id) or asked
            contact = contacts.get(known_as.contact_id)
            ids.update(candidates(contact.ids if contact else (known_as.contact_id,), known_as))
        found = await self._blocks.get_many(ids - lifted) if ids else {}
        blocks = {one.id: one for one in found.values() if not one.drained}
        for_good = frozenset(one.id for one in blocks.values() if one.state == "purged")
        return IntakeGuard(
            blocks=blocks,
            full=for_good | await self._blocks.full(blocks.keys() - for_good),
            stops=await self._stops.said(one for one in wanted.values() if one.id not in identities),
        )
