"""The bytes of messages that go: raw mail and files, but for those that somebody else's message has as well.

Files of mails are stored once under their hash, so that two customers may have sent the same one. What a block set
aside is a message too: it comes back when the block is lifted.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from contracts.inbound import InboundMessageReceived
from service_kit.blobs import Blobs
from tickets.privacy.block_store import BlockStore
from tickets.ticket.message_store import MessageStore


class ErasureBlobs:
    """Removes what nobody else has."""

    def __init__(self, messages: MessageStore, blocks: BlockStore, blobs: Blobs) -> None:
        self._messages = messages
        self._blocks = blocks
        self._blobs = blobs

    async def forget(self, keys: Iterable[str], *, of: AbstractSet[str]) -> None:
        """Delete files, unless a message other than those named here has them too."""
        for key in sorted(set(keys)):
            if not await self._holders(key) - of:
                await self._blobs.delete(key)

    async def forget_raw(self, keys: Iterable[str]) -> None:
        """Delete raw mail, which is one message's only."""
        for key in sorted(set(keys)):
            await self._blobs.delete(key)

    async def discard(self, events: Sequence[InboundMessageReceived]) -> None:
        """Delete what gateways stored of messages that came once more after they were forgotten."""
        for event in events:
            await self.forget((file.blob_key for file in event.attachments), of={event.message_id})
            await self.forget_raw([event.raw_blob_key] if event.raw_blob_key else [])

    async def _holders(self, key: str) -> AbstractSet[str]:
        """The messages that have a file, those set aside among them."""
        messages = {message.id for message in await self._messages.traced([key])}
        return messages | {kept.message_id for kept in await self._blocks.holding(key)}
