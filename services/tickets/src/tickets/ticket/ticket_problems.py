"""What can stand against a request about tickets, each with its public code."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from service_kit.problem import Problem
from tickets.reshaping.merge import Objection
from tickets.ticket.model import Ticket

_OBJECTIONS: Mapping[Objection, tuple[int, str]] = {
    "merge_with_itself": (422, "A ticket cannot be merged into itself."),
    "already_merged": (409, "This ticket was merged into another one before."),
    "target_merged": (409, "The ticket to merge into was merged itself; merge into where it went."),
    "contacts_differ": (409, "The tickets are of different contacts; say `across_contacts` if that is meant."),
    "target_closed": (409, "An unfinished ticket would be lost from sight in a closed one; reopen that one first."),
    "too_many_merged": (409, "So many tickets were merged into this one that no more can be."),
}


def no_such(what: str) -> Problem:
    """What belongs to another account is not found either."""
    return Problem(404, "not_found", f"There is no such {what}.")


def stale(version: int, expected: int, missed: Sequence[BaseModel]) -> Problem:
    """The ticket changed since the caller saw it (L6); `missed` are the events since then."""
    detail = f"The ticket has changed: it is at version {version}, not {expected}."
    return Problem(412, "stale", detail, version=version, missed=[event.model_dump(mode="json") for event in missed])


def unknown_agent() -> Problem:
    """Only who works here can answer."""
    return Problem(422, "unknown_agent", "There is no such agent in this account, or they have left.")


def unknown_team() -> Problem:
    """The team is not in the directory."""
    return Problem(422, "unknown_team", "There is no such team in this account.")


def not_reopened_by_hand() -> Problem:
    """The account's reopen policy, or the channel, forbids it (L3)."""
    return Problem(409, "reopen_forbidden", "A ticket of this channel cannot be reopened by hand.")


def not_snoozed_when_closed() -> Problem:
    """A closed ticket is out of sight already."""
    return Problem(409, "ticket_closed", "A closed ticket cannot be snoozed; reopen it first.")


def snooze_in_the_past() -> Problem:
    """A snooze ends later than now."""
    return Problem(422, "snooze_in_past", "`until` must be a moment in the future.")


def too_many_tags(limit: int) -> Problem:
    """Tags are for finding tickets by, not for keeping data in."""
    return Problem(422, "too_many_tags", f"A ticket may have {limit} tags.", limit=limit)


def too_many_tickets(limit: int) -> Problem:
    """Half of what a filter shows is not what was asked for."""
    return Problem(422, "too_many_tickets", f"The filter shows more than {limit} tickets; narrow it.", limit=limit)


def too_many_bulk_actions(limit: int) -> Problem:
    """Those that run must not slow down everybody else."""
    detail = f"{limit} bulk actions are being carried out; try again in a moment."
    return Problem(429, "too_many_bulk_actions", detail, headers={"Retry-After": "5"})


def bulk_given_up(run_id: str) -> Problem:
    """It failed as often as it may; the same request again would fail as well."""
    detail = f"The action failed again and again; /v1/tickets/bulk/{run_id}/results says what was done."
    return Problem(409, "bulk_given_up", detail, run_id=run_id)


def require_unmerged(ticket: Ticket) -> None:
    """Refuse to change a merged ticket: what it was about goes on in another one."""
    if ticket.merged_into is not None:
        detail = "This ticket was merged; go on in the other one."
        raise Problem(409, "ticket_merged", detail, merged_into=ticket.merged_into)


def not_merged(objection: Objection, merged_into: str | None) -> Problem:
    """Why two tickets stay two (L7); `merged_into` says where one of them went before."""
    status, detail = _OBJECTIONS[objection]
    return (
        Problem(status, objection, detail)
        if merged_into is None
        else Problem(status, objection, detail, merged_into=merged_into)
    )


def unknown_message() -> Problem:
    """Only what stands in the thread can leave it."""
    return Problem(422, "unknown_message", "A message is not in this ticket's thread.")


def nothing_left() -> Problem:
    """A ticket is about something."""
    return Problem(422, "nothing_left", "One message at least must stay in the ticket.")


def view_of_another() -> Problem:
    """What another agent shares is theirs to change."""
    return Problem(403, "forbidden", "This view was shared by somebody else; only they and managers may change it.")


def agent_needed() -> Problem:
    """Reading is a person's."""
    return Problem(403, "agent_needed", "This needs an agent's session, or an API key that acts for one.")
