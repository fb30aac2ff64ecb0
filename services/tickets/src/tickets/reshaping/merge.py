"""Two tickets becoming one (L7): whether they may, and each side's part in it. Pure.

The merge is an intent that both tickets hold (`MergeClaim`), the one with the lower id first, so that two merges in
opposite directions meet at the same ticket. A step changes nothing when it is done again, or when the claim is gone.
"""

from datetime import datetime, timedelta
from typing import Literal

from contracts.tickets import TicketMerged
from service_kit.timers import with_due, without_due
from tickets.life.life import closed
from tickets.ticket.model import Correspondence, MergeClaim, Ticket
from tickets.ticket.ticket_events import changed, say
from tickets.writing.conversation import MAX_SEARCH_TOKENS

Objection = Literal[
    "merge_with_itself", "already_merged", "target_merged", "contacts_differ", "target_closed", "too_many_merged"
]
"""Public contract: the codes of what stands against a merge."""

MERGE = "merge"
"""The kind of the timer that finishes what a crash interrupted."""

MAX_MERGED = 20
"""So many threads are read for one page of messages at most."""

_RESUMED_AFTER = timedelta(seconds=5)


def objection(source: Ticket, target: Ticket, *, across_contacts: bool) -> Objection | None:
    """What stands against the merge now."""
    if source.id == target.id:
        return "merge_with_itself"
    if source.merged_into is not None:
        return "already_merged"
    if target.merged_into is not None:
        return "target_merged"
    if source.contact_id != target.contact_id and not across_contacts:
        return "contacts_differ"
    if target.status == "closed" and source.status != "closed":
        return "target_closed"
    return "too_many_merged" if len(target.merged) + len(source.merged) >= MAX_MERGED else None


def is_merged(ticket: Ticket, claim: MergeClaim) -> bool:
    """Whether a ticket's part of a merge is done."""
    if ticket.id == claim.source_id:
        return ticket.merged_into == claim.target_id
    return claim.source_id in ticket.merged


def claimed(ticket: Ticket, claim: MergeClaim, now: datetime) -> Ticket:
    """The ticket holding the claim, with the timer that resumes it; it takes part in no other merge meanwhile.

    The target is followed by nobody from here on, or else a ticket that follows it could never be merged into it
    without pointing in a circle.
    """
    if ticket.merge_claim == claim or is_merged(ticket, claim):
        return ticket
    update: dict[str, object] = {"merge_claim": claim}
    if ticket.id == claim.target_id:
        update["continued_by"] = None
    return with_due(ticket.model_copy(update=update), MERGE, now + _RESUMED_AFTER)


def released(ticket: Ticket, claim: MergeClaim) -> Ticket:
    """The ticket free for other merges."""
    if ticket.merge_claim != claim:
        return ticket
    return without_due(ticket.model_copy(update={"merge_claim": None}), MERGE)


def departed(source: Ticket, claim: MergeClaim, now: datetime) -> Ticket:
    """The source after it became part of the target: closed for good, pointing there.

    It keeps its thread key, so that what comes for its thread finds the way.
    """
    if source.merge_claim != claim:
        return source
    source = released(source, claim).model_copy(update={"merged_into": claim.target_id})
    was_closed = source.status == "closed"
    source = changed(source, now) if was_closed else closed(source, actor=claim.actor, cause="merge", now=now)
    return _said(source, claim, now)


def arrived(target: Ticket, source: Ticket, claim: MergeClaim, now: datetime) -> Ticket:
    """The target after the source became part of it, whose part is done: read by those who have read both.

    Who answers, tags and priority are the target's.
    """
    if target.merge_claim != claim:
        return target
    target = released(target, claim)
    if source.merged_into != target.id:
        return target
    is_later = _is_later(source, target)
    target = changed(
        target,
        now,
        merged=tuple(dict.fromkeys((*target.merged, source.id, *source.merged))),
        merged_messages=target.merged_messages + source.message_count,
        search_tokens=tuple(dict.fromkeys((*target.search_tokens, *source.search_tokens)))[:MAX_SEARCH_TOKENS],
        read_by=tuple(reader for reader in target.read_by if reader in source.read_by),
        correspondence=_correspondence(target, source) if is_later else target.correspondence,
        last_inbound_at=source.last_inbound_at if is_later else target.last_inbound_at,
        last_public_by=source.last_public_by if is_later else target.last_public_by,
        quiet_since=source.quiet_since if is_later else target.quiet_since,
    )
    return _said(target, claim, now)


def _said(ticket: Ticket, claim: MergeClaim, now: datetime) -> Ticket:
    fields = {"source_id": claim.source_id, "target_id": claim.target_id}
    return say(ticket, TicketMerged, actor=claim.actor, cause=claim.actor.kind, now=now, **fields)


def _is_later(source: Ticket, target: Ticket) -> bool:
    """Whether the customer's last message is one of the source's."""
    if source.last_inbound_at is None:
        return False
    return target.last_inbound_at is None or source.last_inbound_at > target.last_inbound_at


def _correspondence(target: Ticket, source: Ticket) -> Correspondence:
    """The number or chat that the customer used last.

    A mail thread stays as it is: who was in copy of one must not learn of the other by a merge.
    """
    is_same_customer = (source.channel, source.contact_id) == (target.channel, target.contact_id)
    return source.correspondence if is_same_customer and target.channel != "email" else target.correspondence
