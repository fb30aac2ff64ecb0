"""Blocking, lifting and purging (L9): the block is stored first, and its timers do the rest, again until it is done."""

from collections.abc import Callable, Sequence

import structlog

from contracts.inbound import InboundMessageReceived
from contracts.people import Actor
from contracts.settings import TicketSettings
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.problem import Problem
from service_kit.settings_copies import SettingsCopies
from service_kit.timers import Due, Timers
from tickets.audit.audit_log import AuditLog
from tickets.contacts.contact_store import ContactStore
from tickets.intake.intake import Intake
from tickets.privacy.block import (
    HIDE,
    LIFT,
    PURGE,
    Block,
    BlockKind,
    about_identity,
    begun,
    block_id,
    drained,
    hidden,
    hidden_once,
    lifting,
    normalised_value,
    purged,
    shown,
)
from tickets.privacy.block_kept import KeptMessage, taken_in_again
from tickets.privacy.block_reach import BlockReach, covered, is_all_of
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure_contact import identities
from tickets.privacy.erasure_kept import ErasureKept
from tickets.privacy.erasure_workflow import ErasureWorkflow
from tickets.ticket.message_store import MessageStore
from tickets.ticket.ticket_problems import no_such

_LEASE_SECONDS = 60.0
_ATTEMPTS = 20

logger = structlog.get_logger()


class BlockWorkflow:
    """The use cases behind `/v1/blocks` and `…/block`."""

    def __init__(
        self,
        blocks: BlockStore,
        reach: BlockReach,
        contacts: ContactStore,
        messages: MessageStore,
        intake: Intake,
        erasures: ErasureWorkflow,
        kept: ErasureKept,
        copies: SettingsCopies,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._blocks = blocks
        self._reach = reach
        self._contacts = contacts
        self._messages = messages
        self._intake = intake
        self._erasures = erasures
        self._kept = kept
        self._copies = copies
        self._audit = audit
        self._clock = clock

    def timers(self) -> Timers[Block]:
        """What hides, lifts and purges."""
        return Timers(self._blocks.collection, self._clock, self.fire, lease_seconds=_LEASE_SECONDS)

    async def block(
        self, principal: Principal, kind: BlockKind, value: str, *, reason: str | None, hard: bool | None
    ) -> Block:
        """Block; what is blocked already stays as it is. `hard` None: as the account's settings say.

        Raises:
            Problem: the value is none of its kind, or there is no such contact.
        """
        account_id = principal.account_id
        spelt = normalised_value(kind, value)
        if spelt is None:
            raise Problem(422, "invalid_value", f"This is no {kind} that could be blocked.")
        if kind == "contact":
            contact = await self._contacts.get(account_id, spelt)
            if contact is None:
                raise no_such("contact")
            spelt = contact.id
        if hard is None:
            hard = (await self._copies.get(account_id, "tickets", TicketSettings)).block_preset == "hard"
        now = self._clock.now()
        wanted = begun(account_id, kind, spelt, reason=reason, actor=principal.actor, hard=hard, now=now)
        for _ in range(_ATTEMPTS):
            known = await self._blocks.get(account_id, wanted.id)
            if known is not None and known.state == "active":
                return known
            if known is None:
                await self._blocks.add([wanted])
            else:
                await self._blocks.replace(wanted.model_copy(update={"rev": known.rev}))
        raise TransientError(f"block {wanted.id} changed {_ATTEMPTS} times meanwhile")

    async def show(self, account_id: str, an_id: str) -> Block:
        """One block.

        Raises:
            Problem: there is none of that id in this account.
        """
        block = await self._blocks.get(account_id, an_id)
        if block is None:
            raise no_such("block")
        return block

    async def of_contact(self, account_id: str, contact_id: str) -> Block:
        """The block of a contact.

        Raises:
            Problem: it is not blocked.
        """
        contact = await self._contacts.get(account_id, contact_id)
        if contact is None:
            raise no_such("contact")
        return await self.show(account_id, block_id(account_id, "contact", contact.id))

    async def lift(self, account_id: str, an_id: str, actor: Actor) -> Block:
        """Begin to lift: tickets come back, then what was set aside is taken in, then the block is gone.

        Raises:
            Problem: there is no such block.
        """
        for _ in range(_ATTEMPTS):
            block = await self.show(account_id, an_id)
            if block.state == "lifting":
                return block
            wanted = lifting(block, self._clock.now()).model_copy(update={"actor": actor})
            stored = await self._blocks.replace(wanted)
            if stored is not None:
                return stored
        raise TransientError(f"block {an_id} changed {_ATTEMPTS} times meanwhile")

    async def fire(self, block: Block, due: Due) -> None:
        """Do what is due; all of it may be done again."""
        await {HIDE: self._hide, LIFT: self._lift, PURGE: self._purge}[due.kind](block)

    async def _hide(self, block: Block) -> None:
        now = self._clock.now()
        await self._reach.change_tickets(block, lambda ticket: hidden(ticket, block, now=now))
        await self._reach.mark(block, blocked=True)
        await self._change(block, lambda current: hidden_once(current, now))

    async def _lift(self, block: Block) -> None:
        """Messages that come meanwhile join those set aside, so that all are taken in in their order.

        The block then lets everything pass, and goes a little later: what met it just before is taken in as well.
        """
        now = self._clock.now()
        await self._reach.change_tickets(block, lambda ticket: shown(ticket, block, now=now))
        await self._reach.mark(block, blocked=False)
        while kept := await self._blocks.kept(block.id):
            await self._take_in(kept, block)
        if not block.drained:
            await self._change(block, lambda current: drained(current, now))
            return
        current = await self._blocks.get(block.account_id, block.id)
        if current is not None and current.drained:
            await self._blocks.delete([*(await self._blocks.parts_of(block)), current])

    async def _take_in(self, kept: Sequence[KeptMessage], block: Block) -> None:
        known = await self._messages.get_many(one.message_id for one in kept)
        await self._messages.delete([message for message in known.values() if message.verdict == "blocked"])
        events: list[InboundMessageReceived] = [taken_in_again(one) for one in kept]
        await self._intake.take_in(events, lifted=frozenset({block.id}))
        await self._blocks.drop(kept)

    async def _purge(self, block: Block) -> None:
        """Have whoever is blocked forgotten, or of them what the block is about; the block holds, and names nobody."""
        for contact in await self._reach.contacts(block):
            part = covered(block, contact)
            whole = block.kind == "contact" or is_all_of(part, contact)
            if block.kind == "contact":
                kept_out = (about_identity(block, one) for one in identities(block.account_id, part))
                await self._blocks.add([one for one in kept_out if one is not None])
            await self._erasures.begin(contact, part, block.actor, scope="" if whole else block.id)
        while kept := await self._blocks.kept(block.id):
            await self._kept.drop(kept)
        key = f"{block.id}/{block.created_at.isoformat()}"
        await self._audit.record(_whose(block), "contact.purged", block.id, details={"kind": block.kind}, key=key)
        await self._change(block, purged)
        logger.info("block_purged", block_id=block.id, account_id=block.account_id, kind=block.kind)

    async def _change(self, block: Block, edit: Callable[[Block], Block]) -> None:
        """Write what a timer did, whoever claimed the block meanwhile; not where a person decided otherwise."""
        for _ in range(_ATTEMPTS):
            current = await self._blocks.get(block.account_id, block.id)
            if current is None or (current.state, current.created_at) != (block.state, block.created_at):
                return
            if await self._blocks.replace(edit(current)) is not None:
                return
        raise TransientError(f"block {block.id} changed {_ATTEMPTS} times meanwhile")


def _whose(block: Block) -> Principal:
    """Whoever blocked is who purges, however much later; what they may by now is not asked."""
    agent_id = block.actor.id if block.actor.kind == "agent" else None
    credential_id = block.actor.id or "" if agent_id is None else ""
    return Principal(block.account_id, "service", agent_id, None, frozenset(), credential_id)
