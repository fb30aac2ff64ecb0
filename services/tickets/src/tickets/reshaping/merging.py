"""Merging tickets (L7): claims both in the order of their ids, then closes the source, then lets the target take over.

Both hold the intent and a timer from their claim on: whoever dies in between, another replica finishes it. Whoever
meets another merge finishes that one first; as ids rise along the way, two never wait for each other. What refuses a
claim never becomes true again, so that everybody who carries it out comes to the same end.
"""

import structlog

from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.problem import Problem
from service_kit.timers import Due, without_due
from tickets.contacts.contact_store import ContactStore
from tickets.reshaping.merge import MERGE, Objection, arrived, claimed, departed, is_merged, objection, released
from tickets.ticket.desk import Desk
from tickets.ticket.model import MergeClaim, Ticket
from tickets.ticket.ticket_problems import not_merged

_ATTEMPTS = 20

logger = structlog.get_logger()


class MergeContended(TransientError):
    """The tickets took part in one merge after the other."""


class _HeldByAnother(Exception):
    """Not an error: another merge is to be finished first."""

    def __init__(self, claim: MergeClaim) -> None:
        super().__init__(claim.source_id, claim.target_id)
        self.claim = claim


class Merging:
    """The use case behind `…/merge`."""

    def __init__(self, desk: Desk, contacts: ContactStore, clock: Clock) -> None:
        self._desk = desk
        self._contacts = contacts
        self._clock = clock

    async def merge(
        self, principal: Principal, source_id: str, target_id: str, *, across_contacts: bool, expected: int | None
    ) -> Ticket:
        """The source, merged into the target; the same again changes nothing. Nothing is sent to anybody.

        Raises:
            Problem: there is no such ticket, the source changed meanwhile (412), or the two must stay two.
        """
        account_id = principal.account_id
        claim = MergeClaim(
            source_id=source_id,
            target_id=target_id,
            actor=principal.actor,
            at=self._clock.now(),
            source_version=expected,
        )
        for attempt in range(_ATTEMPTS):
            source = await self._desk.load(account_id, source_id)
            target = await self._desk.load(account_id, target_id)
            if is_merged(source, claim) and is_merged(target, claim):
                return source
            is_meant = across_contacts or source.contact_id in await self._contacts.ids_of(target.contact_id)
            found = None if is_merged(source, claim) else objection(source, target, across_contacts=is_meant)
            if found is not None:
                if attempt:
                    await self._let_go(account_id, claim)
                raise not_merged(found, source.merged_into or target.merged_into)
            try:
                return await self._carry_out(account_id, claim)
            except _HeldByAnother as other:
                await self._finish(account_id, other.claim)
        raise MergeContended(f"ticket {source_id} or {target_id} took part in {_ATTEMPTS} other merges meanwhile")

    async def resume(self, ticket: Ticket, _: Due) -> None:
        """Finish what a claimed ticket says was begun."""
        if ticket.merge_claim is None:
            await self._desk.change(ticket.account_id, ticket.id, lambda current: without_due(current, MERGE))
        else:
            await self._finish(ticket.account_id, ticket.merge_claim)

    async def _finish(self, account_id: str, claim: MergeClaim) -> None:
        """Carry out a claim that somebody began, unless it is refused by now."""
        for _ in range(_ATTEMPTS):
            try:
                await self._carry_out(account_id, claim)
            except _HeldByAnother as other:
                await self._finish(account_id, other.claim)
            except Problem as problem:
                logger.info("merge_refused", source_id=claim.source_id, target_id=claim.target_id, code=problem.code)
                return
            else:
                return
        raise MergeContended(f"ticket {claim.source_id} took part in {_ATTEMPTS} other merges meanwhile")

    async def _carry_out(self, account_id: str, claim: MergeClaim) -> Ticket:
        """The source after the merge; a refused claim is let go."""
        try:
            for ticket_id in sorted((claim.source_id, claim.target_id)):
                await self._claim(account_id, ticket_id, claim)
                crash_point("tickets.merge_claimed")
        except Problem:
            await self._let_go(account_id, claim)
            raise
        now = self._clock.now()
        source = await self._desk.change(account_id, claim.source_id, lambda current: departed(current, claim, now))
        crash_point("tickets.merge_departed")
        await self._desk.change(account_id, claim.target_id, lambda current: arrived(current, source, claim, now))
        if not is_merged(source, claim):
            raise MergeContended(f"the claim on ticket {claim.source_id} was let go meanwhile")
        return source

    async def _claim(self, account_id: str, ticket_id: str, claim: MergeClaim) -> None:
        expected = claim.source_version if ticket_id == claim.source_id else None

        def edit(ticket: Ticket) -> Ticket:
            if is_merged(ticket, claim) or ticket.merge_claim == claim:
                return ticket
            if ticket.merge_claim is not None:
                raise _HeldByAnother(ticket.merge_claim)
            if ticket.merged_into is not None:
                code: Objection = "already_merged" if ticket_id == claim.source_id else "target_merged"
                raise not_merged(code, ticket.merged_into)
            return claimed(ticket, claim, self._clock.now())

        current = await self._desk.load(account_id, ticket_id)
        if is_merged(current, claim) or current.merge_claim == claim:
            return  # what was claimed at the version it was meant for stays so, whatever joined it since
        await self._desk.change(account_id, ticket_id, edit, expected=expected)

    async def _let_go(self, account_id: str, claim: MergeClaim) -> None:
        for ticket_id in (claim.source_id, claim.target_id):
            await self._desk.change(account_id, ticket_id, lambda current: released(current, claim))
