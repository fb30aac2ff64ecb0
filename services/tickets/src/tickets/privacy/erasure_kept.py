"""Forgetting what blocks set aside of a customer; the blocks themselves hold on as hashes (L9, S3)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from contracts.erasure import ErasedIdentities
from service_kit.clock import Clock
from service_kit.errors import TransientError
from tickets.privacy.block import Block, about_identity, block_id, candidates, purged
from tickets.privacy.block_kept import KeptMessage
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure import Erasure, erased_message
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.privacy.erasure_contact import identities
from tickets.privacy.erasure_ledger import ErasureLedger
from tickets.ticket.message_store import MessageStore


class ErasureKept:
    """The part of an erasure that is about blocks."""

    def __init__(
        self,
        blocks: BlockStore,
        messages: MessageStore,
        blobs: ErasureBlobs,
        ledger: ErasureLedger,
        clock: Clock,
    ) -> None:
        self._blocks = blocks
        self._messages = messages
        self._blobs = blobs
        self._ledger = ledger
        self._clock = clock

    async def forget(self, erasure: Erasure, who: ErasedIdentities, addresses: AbstractSet[str]) -> None:
        """Forget what was set aside of them before they were to be forgotten; who was blocked is so still, unnamed."""
        known_as = identities(erasure.account_id, who)
        ids = {one for known in known_as for one in candidates(erasure.contact_ids, known)}
        ids |= {block_id(erasure.account_id, "contact", contact_id) for contact_id in erasure.contact_ids}
        for block in (await self._blocks.get_many(ids)).values():
            await self._forget_kept(block, erasure, addresses)
            if erasure.whole and block.kind != "domain" and block.state == "active":
                parts = (about_identity(block, one) for one in known_as if block.kind == "contact")
                await self._blocks.add([part for part in parts if part is not None])
                if await self._blocks.replace(purged(block)) is None:
                    raise TransientError(f"block {block.id} changed while its person was to be forgotten")

    async def drop(self, kept: Sequence[KeptMessage]) -> None:
        """Forget messages that were set aside; files first, so that this can be done again to the end."""
        ids = {one.message_id for one in kept}
        await self._blobs.forget((key for one in kept for key in one.blob_keys), of=ids)
        await self._ledger.forget(kept[0].account_id, (one.received.provider_message_id for one in kept))
        known = (await self._messages.get_many(ids)).values()
        now = self._clock.now()
        await self._messages.replace([erased_message(one, now) for one in known if one.verdict == "blocked"])
        await self._blocks.drop(kept)

    async def _forget_kept(self, block: Block, erasure: Erasure, addresses: AbstractSet[str]) -> None:
        cursor: str | None = None
        while True:
            page = await self._blocks.kept_page(block.id, cursor=cursor)
            mine = [one for one in page.items if one.received_at <= erasure.requested_at and one.is_from(addresses)]
            if mine:
                await self.drop(mine)
            cursor = page.next_cursor
            if cursor is None:
                return
