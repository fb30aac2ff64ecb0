"""Merging contacts, and undoing it: claims both in the order of their ids, moves what is known, lets go.

Both hold the intent and a timer from their claim on: whoever dies in between, another replica finishes it. Whoever
meets another claim finishes that one first; as ids rise along the way, two never wait for each other.

The target is always read before the source. So what is found in the source cannot be older than what the target has
of it, as long as the source still stands by itself.
"""

from collections.abc import Callable
from typing import Literal

import structlog

from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from service_kit.timers import Due, without_due
from tickets.contacts.contact_merge import (
    CONTACT_MERGE,
    absorbed,
    claimed,
    departed,
    forgotten,
    may_claim,
    objection,
    released,
    restored,
    takes_part,
    without,
)
from tickets.contacts.contact_merge_problems import contact_not_merged, contacts_stay_two, whole_is_blocked
from tickets.contacts.contact_model import Contact, ContactMergeClaim
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contacts import published
from tickets.ticket.ticket_problems import no_such

_ATTEMPTS = 20
_WRITES = 50

Edit = Callable[[Contact], Contact]

logger = structlog.get_logger()


class ContactMergeContended(TransientError):
    """The contacts changed, or took part in another merge, each time."""


class _HeldByAnother(Exception):
    """Not an error: another merge is to be finished first."""

    def __init__(self, claim: ContactMergeClaim) -> None:
        super().__init__(claim.source_id, claim.target_id)
        self.claim = claim


class _Refused(Exception):
    """Not an error: a contact cannot take part any more; the claim was let go."""


class ContactMerging:
    """The use case behind `…/merge` and `…/unmerge`."""

    def __init__(self, contacts: ContactStore, outbox: Outbox[Contact], clock: Clock) -> None:
        self._contacts = contacts
        self._outbox = outbox
        self._clock = clock

    async def merge(self, principal: Principal, source_id: str, target_id: str) -> Contact:
        """The contact that both are now; the same again changes nothing.

        Raises:
            Problem: there is no such contact, or the two must stay two.
        """
        for _ in range(_ATTEMPTS):
            source = await self._own(principal, source_id)
            target = await self._own(principal, target_id)
            held = source.merge_claim or target.merge_claim
            if held is None and source.merged_into == target.id:
                return target
            if held is None and (found := objection(source, target)) is not None:
                raise contacts_stay_two(found, source.merged_into or target.merged_into)
            await self._attempt(held or self._claim_of("merge", principal, source, target))
        raise ContactMergeContended(f"contact {source_id} or {target_id} took part in {_ATTEMPTS} other merges")

    async def unmerge(self, principal: Principal, source_id: str) -> Contact:
        """The contact that was merged, standing by itself again.

        Raises:
            Problem: there is no such contact, or it was not merged into another.
        """
        is_begun = False
        for _ in range(_ATTEMPTS):
            source = await self._own(principal, source_id)
            whole = await self._contacts.get(principal.account_id, source_id)
            if whole is None:
                raise no_such("contact")
            if source.merge_claim is None and whole.id == source_id:
                if not is_begun:
                    raise contact_not_merged()
                return source
            if whole.blocked:
                raise whole_is_blocked()
            claim = source.merge_claim or self._claim_of("unmerge", principal, source, whole)
            is_begun = is_begun or (claim.kind == "unmerge" and claim.source_id == source_id)
            await self._attempt(claim)
        raise ContactMergeContended(f"contact {source_id} took part in {_ATTEMPTS} other merges meanwhile")

    async def resume(self, contact: Contact, _: Due) -> None:
        """Finish what a claimed contact says was begun."""
        if contact.merge_claim is None:
            await self._change(contact.id, lambda current: without_due(current, CONTACT_MERGE))
            return
        await self._attempt(contact.merge_claim)

    def _claim_of(
        self, kind: Literal["merge", "unmerge"], principal: Principal, source: Contact, target: Contact
    ) -> ContactMergeClaim:
        """A new claim, later than what was done to either before, whichever replica's clock that was."""
        settled = (one.merge_settled_at for one in (source, target))
        at = max((self._clock.now(), *(moment for moment in settled if moment is not None)))
        return ContactMergeClaim(kind=kind, source_id=source.id, target_id=target.id, actor=principal.actor, at=at)

    async def _attempt(self, claim: ContactMergeClaim) -> None:
        """Carry out a claim, after those that stand in its way; one that is refused by now is let go."""
        for _ in range(_ATTEMPTS):
            try:
                await self._carry_out(claim)
            except _HeldByAnother as other:
                await self._attempt(other.claim)
            except _Refused:
                logger.info("contact_merge_refused", kind=claim.kind, source_id=claim.source_id, into=claim.target_id)
                return
            else:
                return
        raise ContactMergeContended(f"contact {claim.source_id} took part in {_ATTEMPTS} other merges meanwhile")

    async def _carry_out(self, claim: ContactMergeClaim) -> None:
        try:
            for contact_id in sorted((claim.source_id, claim.target_id)):
                await self._claim(contact_id, claim)
                crash_point("tickets.contact_claimed")
            for _ in range(_WRITES):
                if await (self._join(claim) if claim.kind == "merge" else self._part(claim)):
                    break
            else:
                raise ContactMergeContended(f"contact {claim.target_id} changed {_WRITES} times meanwhile")
        except _Refused:
            await self._withdraw(claim)
            raise
        await self._let_go(claim)

    async def _claim(self, contact_id: str, claim: ContactMergeClaim) -> None:
        def edit(contact: Contact) -> Contact:
            if takes_part(contact, claim):
                return contact
            if contact.merge_claim is not None:
                raise _HeldByAnother(contact.merge_claim)
            if not may_claim(contact, claim):
                raise _Refused
            return claimed(contact, claim, self._clock.now())

        await self._change(contact_id, edit)

    async def _join(self, claim: ContactMergeClaim) -> bool:
        """Whether the source points to the target that knows all of it; if not, somebody was faster: again."""
        target = await self._stored(claim.target_id)
        source = await self._stored(claim.source_id)
        if source.merge_claim != claim:
            return True
        if target.merge_claim != claim:
            raise _Refused
        if not await self._write(target, absorbed(target, source)):
            return False
        crash_point("tickets.contact_absorbed")
        return await self._write(source, departed(source, claim))

    async def _part(self, claim: ContactMergeClaim) -> bool:
        """Whether the source stands by itself and the target knows nothing of it any more; if not: again."""
        target = await self._stored(claim.target_id)
        source = await self._stored(claim.source_id)
        if target.merge_claim != claim:
            return True
        if source.merge_claim != claim:
            raise _Refused
        if not await self._write(source, restored(source, target, claim)):
            return False
        crash_point("tickets.contact_restored")
        return await self._write(target, released(without(target, claim.source_id), claim))

    async def _withdraw(self, claim: ContactMergeClaim) -> None:
        """Free both, and let the target forget what it took from a source that does not point to it."""
        source = await self._contacts.stored(claim.source_id)
        if claim.kind == "merge" and (source is None or source.merged_into != claim.target_id):
            await self._change(claim.target_id, lambda current: forgotten(current, claim))
        await self._let_go(claim)

    async def _let_go(self, claim: ContactMergeClaim) -> None:
        """Free both: the target first, so that a source that waits for it is found by its timer."""
        for contact_id in (claim.target_id, claim.source_id):
            await self._change(contact_id, lambda current: released(current, claim))

    async def _own(self, principal: Principal, contact_id: str) -> Contact:
        contact = await self._contacts.stored(contact_id)
        if contact is None or contact.account_id != principal.account_id or contact.erased_at is not None:
            raise no_such("contact")
        return contact

    async def _stored(self, contact_id: str) -> Contact:
        contact = await self._contacts.stored(contact_id)
        if contact is None:
            raise _Refused
        return contact

    async def _change(self, contact_id: str, edit: Edit) -> None:
        """Change one contact if it is still there, however often somebody else is faster."""
        for _ in range(_WRITES):
            contact = await self._contacts.stored(contact_id)
            if contact is None or await self._write(contact, edit(contact)):
                return
        raise ContactMergeContended(f"contact {contact_id} changed {_WRITES} times meanwhile")

    async def _write(self, before: Contact, wanted: Contact) -> bool:
        """Whether the contact is stored as wanted; what it has to tell and cannot leave now, the relay tells later."""
        if wanted is before:
            return True
        outcome = await self._contacts.write([published(before, wanted, self._clock.now())])
        if outcome.lost:
            return False
        try:
            await self._outbox.publish(outcome.done)
        except TransientError as error:
            logger.warning("publish_delayed", contact_id=before.id, error=repr(error))
        return True
