"""What can stand against a request about tickets, each with its public code."""

from collections.abc import Sequence

from pydantic import BaseModel

from service_kit.problem import Problem


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


def agent_needed() -> Problem:
    """Reading is a person's."""
    return Problem(403, "agent_needed", "This needs an agent's session, or an API key that acts for one.")
