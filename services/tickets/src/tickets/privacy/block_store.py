"""Every query for blocks, and for what they set aside."""

from collections.abc import Iterable, Mapping, Sequence

from service_kit.docstore import All, Collection, DocStore, Eq, Fate, Filter, Has, Page, Sort
from service_kit.docstore.every_page import every
from tickets.privacy.block import BLOCKS, MAX_KEPT, Block, BlockKind
from tickets.privacy.block_kept import KEPT, KeptMessage

_KEPT_AT_ONCE = 100


class BlockStore:
    """Blocks in the document store; whatever asks for an account sees only that account's."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[Block] = store.collection(BLOCKS)
        self._kept = store.collection(KEPT)

    async def get(self, account_id: str, block_id: str) -> Block | None:
        """One block of this account."""
        block = await self.collection.get(block_id)
        return block if block is not None and block.account_id == account_id else None

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, Block]:
        """Those that exist."""
        return await self.collection.get_many(ids)

    async def page(self, account_id: str, kind: BlockKind | None, *, limit: int, cursor: str | None) -> Page[Block]:
        """An account's blocks, newest first."""
        parts: list[Filter] = [Eq("account_id", account_id)]
        if kind is not None:
            parts.append(Eq("kind", kind))
        return await self.collection.find(
            All(*parts), sort=Sort("created_at", descending=True), limit=limit, cursor=cursor
        )

    async def parts_of(self, block: Block) -> Sequence[Block]:
        """What goes on blocking the identities of a purged contact."""
        return await every(self.collection, Eq("parent_id", block.id))

    async def add(self, blocks: Sequence[Block]) -> None:
        """Insert those that are new."""
        if blocks:
            await self.collection.insert_many(blocks)

    async def replace(self, block: Block) -> Block | None:
        """The block as stored now, or None when somebody else changed it meanwhile."""
        if (await self.collection.replace_many([block]))[0] is not Fate.DONE:
            return None
        return block.model_copy(update={"rev": block.rev + 1})

    async def delete(self, blocks: Sequence[Block]) -> None:
        """Remove blocks, unless somebody changed them meanwhile."""
        if blocks:
            await self.collection.delete_many(blocks)

    async def keep(self, messages: Sequence[KeptMessage]) -> None:
        """Set messages aside; one that is there already is the same one."""
        if messages:
            await self._kept.insert_many(messages)

    async def full(self, block_ids: Iterable[str]) -> frozenset[str]:
        """Those blocks that have set aside as much as they may."""
        counts = {one: await self._kept.count(Eq("block_id", one), at_most=MAX_KEPT) for one in block_ids}
        return frozenset(one for one, count in counts.items() if count >= MAX_KEPT)

    async def kept(self, block_id: str) -> Sequence[KeptMessage]:
        """What a block set aside first, in the order in which it was received."""
        return (await self.kept_page(block_id, cursor=None)).items

    async def kept_page(self, block_id: str, *, cursor: str | None) -> Page[KeptMessage]:
        """The same, page by page."""
        where = Eq("block_id", block_id)
        return await self._kept.find(where, sort=Sort("received_at"), limit=_KEPT_AT_ONCE, cursor=cursor)

    async def holding(self, blob_key: str) -> Sequence[KeptMessage]:
        """What was set aside with this file; a hundred at most."""
        return (await self._kept.find(Has("blob_keys", (blob_key,)), limit=_KEPT_AT_ONCE)).items

    async def drop(self, messages: Sequence[KeptMessage]) -> None:
        """Forget messages that were set aside."""
        if messages:
            await self._kept.delete_many(messages)
