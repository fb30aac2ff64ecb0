"""What can stand against merging contacts, each with its public code."""

from collections.abc import Mapping

from service_kit.problem import Problem
from tickets.contacts.contact_merge import MAX_PARTS, ContactObjection

_OBJECTIONS: Mapping[ContactObjection, tuple[int, str]] = {
    "merge_with_itself": (422, "A contact cannot be merged into itself."),
    "already_merged": (409, "This contact was merged into another one before; undo that first."),
    "target_merged": (409, "The contact to merge into was merged itself; merge into where it went."),
    "contact_blocked": (409, "A blocked contact is merged with nobody; unblock it first."),
    "too_many_merged": (409, f"A contact can be made of {MAX_PARTS} contacts."),
}


def contacts_stay_two(objection: ContactObjection, merged_into: str | None) -> Problem:
    """Why two contacts stay two; `merged_into` says where one of them went before."""
    status, detail = _OBJECTIONS[objection]
    if merged_into is None:
        return Problem(status, objection, detail)
    return Problem(status, objection, detail, merged_into=merged_into)


def whole_is_blocked() -> Problem:
    """Whoever is blocked stays blocked: a part of them must not come free by itself."""
    return Problem(409, "contact_blocked", "The contact that this one is part of is blocked; unblock it first.")


def contact_not_merged() -> Problem:
    """Only what was merged can be taken apart; the id is the merged one's."""
    return Problem(409, "not_merged", "This contact was not merged into another one.")
