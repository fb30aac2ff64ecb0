"""`/v1/blocks`, and `/block` and `/unblock` of a contact: who is not heard any more (L9)."""

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import UtcDatetime
from contracts.people import Actor
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.privacy.block import MAX_VALUE, Block, BlockKind, BlockState
from tickets.privacy.block_store import BlockStore
from tickets.privacy.block_workflow import BlockWorkflow

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Writer = Annotated[Principal, Depends(requires(Permission.CONTACTS_WRITE))]
Blocking = Annotated[Act, audited("contact.blocked")]
Unblocking = Annotated[Act, audited("contact.unblocked")]

_EXAMPLE: dict[str, Any] = {"kind": "domain", "value": "spam.example", "reason": "nothing but advertisements"}


class HowToBlock(BaseModel):
    """Why, and whether for good: `hard` purges at once what was written; by default as the account's settings say."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str | None, Field(max_length=500)] = None
    hard: bool | None = None


class NewBlock(HowToBlock):
    """Whom to block: a contact by id, or a phone number (E.164), an address, a mail domain or a visitor."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    kind: BlockKind
    value: Annotated[str, Field(min_length=1, max_length=MAX_VALUE)]


class BlockView(BaseModel):
    """A block; its value is null when whom it is about was purged. Until `purge_at` it can be undone."""

    id: str
    kind: BlockKind
    value: str | None
    state: BlockState
    reason: str | None
    actor: Actor
    created_at: UtcDatetime
    purge_at: UtcDatetime

    @classmethod
    def of(cls, block: Block) -> "BlockView":
        """The public side of the document."""
        return cls(
            id=block.id,
            kind=block.kind,
            value=block.value or None,
            state=block.state,
            reason=block.reason,
            actor=block.actor,
            created_at=block.created_at,
            purge_at=block.purge_at,
        )


def blocks_router(workflow: BlockWorkflow, blocks: BlockStore) -> Routes:
    """The routes of blocks of any kind."""
    router = Routes("/v1/blocks", tags=["blocks"])

    @router.get("")
    async def list_blocks(
        principal: Reader,
        kind: Annotated[BlockKind | None, Query()] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[BlockView]:
        """Blocks, newest first."""
        page = await blocks.page(principal.account_id, kind, limit=limit, cursor=cursor)
        return PageOf(items=[BlockView.of(block) for block in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=201)
    async def add_block(principal: Writer, new: NewBlock, act: Blocking) -> BlockView:
        """Block; the same again changes nothing.

        Tickets leave every list within a second and intake ends in the verdict `blocked`; a STOP still counts.
        """
        block = await workflow.block(principal, new.kind, new.value, reason=new.reason, hard=new.hard)
        act.target_id, act.details["kind"] = block.id, block.kind
        return BlockView.of(block)

    @router.get("/{block_id}")
    async def show_block(principal: Reader, block_id: str) -> BlockView:
        """One block."""
        return BlockView.of(await workflow.show(principal.account_id, block_id))

    @router.delete("/{block_id}", status_code=202)
    async def lift_block(principal: Writer, block_id: str, _act: Unblocking) -> BlockView:
        """Begin to lift a block: tickets come back, then messages that were set aside are taken in, in order."""
        return BlockView.of(await workflow.lift(principal.account_id, block_id, principal.actor))

    return router


def contact_block_router(workflow: BlockWorkflow) -> Routes:
    """The routes below a contact."""
    router = Routes("/v1/contacts/{contact_id}", tags=["contacts"])

    @router.post("/block")
    async def block_contact(
        principal: Writer, contact_id: str, act: Blocking, how: HowToBlock | None = None
    ) -> BlockView:
        """Block a contact under every address; the same again changes nothing."""
        how = how or HowToBlock()
        block = await workflow.block(principal, "contact", contact_id, reason=how.reason, hard=how.hard)
        act.details["block_id"] = block.id
        return BlockView.of(block)

    @router.post("/unblock", status_code=202)
    async def unblock_contact(principal: Writer, contact_id: str, _act: Unblocking) -> BlockView:
        """Begin to lift a contact's block; a contact that is not blocked is 404."""
        block = await workflow.of_contact(principal.account_id, contact_id)
        return BlockView.of(await workflow.lift(principal.account_id, block.id, principal.actor))

    return router
