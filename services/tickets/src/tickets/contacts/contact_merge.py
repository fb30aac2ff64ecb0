"""Two contacts becoming one, and two again: whether they may, and each side's part in it. Pure.

Either is an intent that both contacts hold (`ContactMergeClaim`), the one with the lower id first, so that two merges
in opposite directions meet at the same contact. A contact points to another only while that one has its part: so
whoever follows the pointer finds all that is known. A step changes nothing when it is done again.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Literal

from service_kit.timers import with_due, without_due
from tickets.contacts.contact_model import Contact, ContactMergeClaim, ContactPart
from tickets.contacts.contact_parts import combined, later, parts_of

ContactObjection = Literal["merge_with_itself", "already_merged", "target_merged", "contact_blocked", "too_many_merged"]
"""Public contract: the codes of what stands against merging two contacts."""

CONTACT_MERGE = "contact_merge"
"""The kind of the timer that finishes what a crash interrupted."""

MAX_PARTS = 20
"""So many ids are asked for when the tickets of a person are listed."""

_RESUMED_AFTER = timedelta(seconds=5)
_NOTHING = ContactPart()


def objection(source: Contact, target: Contact) -> ContactObjection | None:
    """What stands against the merge now."""
    if source.id == target.id:
        return "merge_with_itself"
    if source.merged_into is not None:
        return "already_merged"
    if target.merged_into is not None:
        return "target_merged"
    if source.blocked or target.blocked:
        return "contact_blocked"
    return "too_many_merged" if len({*parts_of(source), *parts_of(target)}) > MAX_PARTS else None


def takes_part(contact: Contact, claim: ContactMergeClaim) -> bool:
    """Whether a contact holds the claim, or has done its part."""
    if contact.merge_claim == claim:
        return True
    is_apart = claim.source_id not in contact.parts
    if contact.id == claim.source_id:
        return contact.merged_into == (claim.target_id if claim.kind == "merge" else None)
    return is_apart if claim.kind == "unmerge" else not is_apart


def may_claim(contact: Contact, claim: ContactMergeClaim) -> bool:
    """Whether a contact that nobody claims can still take part."""
    if contact.merge_settled_at is not None and claim.at < contact.merge_settled_at:
        return False  # somebody finished it long ago, and it was undone since
    if claim.kind == "unmerge":
        return not contact.blocked and contact.erased_at is None
    if contact.blocked or contact.erased_at is not None or contact.merged_into is not None:
        return False
    return contact.id == claim.source_id or len(contact.ids) < MAX_PARTS


def claimed(contact: Contact, claim: ContactMergeClaim, now: datetime) -> Contact:
    """The contact holding the claim, with the timer that resumes it; it takes part in no other merge meanwhile."""
    return with_due(contact.model_copy(update={"merge_claim": claim}), CONTACT_MERGE, now + _RESUMED_AFTER)


def released(contact: Contact, claim: ContactMergeClaim) -> Contact:
    """The contact free for other merges."""
    if contact.merge_claim != claim:
        return contact
    return without_due(contact.model_copy(update={"merge_claim": None}), CONTACT_MERGE)


def absorbed(target: Contact, source: Contact) -> Contact:
    """The target knowing what the source knows, who still stands by itself."""
    taken = {
        part_id: part.model_copy(update={"into": target.id}) if part_id == source.id else part
        for part_id, part in parts_of(source).items()
    }
    parts = {**parts_of(target), **taken}
    if parts == target.parts:
        return target
    return combined(target.model_copy(update={"parts": parts, "automatic": {**source.automatic, **target.automatic}}))


def departed(source: Contact, claim: ContactMergeClaim) -> Contact:
    """The source when the target has its part: it points there, and knows nothing itself."""
    gone = {"merged_into": claim.target_id, "merge_settled_at": claim.at, "automatic": {}}
    return released(_knowing(source, {source.id: _NOTHING}).model_copy(update=gone), claim)


def restored(source: Contact, target: Contact, claim: ContactMergeClaim) -> Contact:
    """The source standing by itself again, with what is known of it by now; it still holds the claim."""
    own = dict(parts_of(source))
    gone = leaving(target, source.id)
    for part_id, told in target.parts.items():
        if part_id in gone:
            part = told.model_copy(update={"into": None}) if part_id == source.id else told
            own[part_id] = later(own.get(part_id, _NOTHING), part)
    if own == parts_of(source) and source.merged_into is None:
        return source
    back = {
        "merged_into": None,
        "merge_settled_at": claim.at,
        "automatic": {**target.automatic, **source.automatic},
    }
    return _knowing(source.model_copy(update=back), own)


def forgotten(target: Contact, claim: ContactMergeClaim) -> Contact:
    """The target after a merge that came to nothing."""
    return released(without(target, claim.source_id), claim) if target.merge_claim == claim else target


def without(target: Contact, source_id: str) -> Contact:
    """The target without what it knew of the source and of whoever was merged into that before."""
    gone = leaving(target, source_id)
    if not gone:
        return target
    return _knowing(target, {part_id: part for part_id, part in target.parts.items() if part_id not in gone})


def leaving(target: Contact, source_id: str) -> AbstractSet[str]:
    """The parts that go when one does: its own, and those that came by it."""
    gone: set[str] = set()
    found = {source_id} & target.parts.keys()
    while found:
        gone |= found
        found = {part_id for part_id, part in target.parts.items() if part.into in found} - gone
    return gone


def _knowing(contact: Contact, parts: dict[str, ContactPart]) -> Contact:
    return combined(contact.model_copy(update={"parts": parts}))
