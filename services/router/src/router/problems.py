"""What can stand against a request to the router, each with its public code."""

from collections.abc import Sequence

from service_kit.http.problems import Problem


def only_for_oneself() -> Problem:
    """A3: nobody sets the switch of another agent, and a key that acts for nobody has none."""
    return Problem(403, "only_for_oneself", "Agents set their own availability; nobody sets it for another.")


def unknown_agents(agent_ids: list[str]) -> Problem:
    """A team has agents of its own account only."""
    return Problem(422, "unknown_agent", "A member is no agent of this account.", unknown=agent_ids)


def unknown_schedule() -> Problem:
    """Settings may name only a schedule of the same account."""
    return Problem(422, "unknown_schedule", "There is no schedule of this id; create it first.")


def schedule_in_use(settings: Sequence[str]) -> Problem:
    """Deleting it would leave assignment, reports or chat without the hours they were told to keep."""
    detail = "Settings follow this schedule; choose another one there first."
    return Problem(409, "schedule_in_use", detail, settings=[*settings])


def default_team_fixed(what: str) -> Problem:
    """The default team is where tickets go that no other team matches; it has every agent."""
    return Problem(409, "default_team", f"The default team {what}.")


_CALENDAR_FLAWS = {
    "calendar_unreadable": "This is not a calendar that can be read (iCalendar, RFC 5545).",
    "calendar_too_long": "The calendar closes more dates than a schedule may have.",
    "calendar_too_frequent": "An event repeats within a day; a calendar of holidays does not.",
    "calendar_too_fragmented": "The calendar cuts one day into too many pieces.",
    "calendar_too_complex": "The calendar could not be read in the time and memory that there is for one.",
}


def calendar_refused(code: str) -> Problem:
    """Nothing of the calendar was imported."""
    return Problem(422, code, _CALENDAR_FLAWS[code])


def not_a_calendar() -> Problem:
    """Only two kinds of body are understood."""
    return Problem(415, "unsupported_media_type", "Send text/calendar, or application/json with the calendar in `ics`.")


_OVERFLOW_FLAWS = {
    "overflow_incomplete": "overflow_team_id and overflow_after_minutes are given together, or neither.",
    "unknown_team": "There is no team of this id to overflow to.",
    "overflow_cycle": "Teams must not overflow to one another in a circle.",
    "overflow_too_long": "Too many teams would overflow one after the other.",
}


def flawed_overflow(code: str) -> Problem:
    """Where tickets overflow to must be known, and come to an end."""
    return Problem(422, code, _OVERFLOW_FLAWS[code])


def team_in_use(team_ids: list[str]) -> Problem:
    """Removing it would silently end the overflow of others."""
    return Problem(409, "team_in_use", "Other teams overflow to this one; change them first.", teams=team_ids)


def too_many(what: str, limit: int) -> Problem:
    """The account holds as many as it may."""
    return Problem(409, "limit_reached", f"An account may have {limit} {what}.")


def too_large(what: str, limit_bytes: int) -> Problem:
    """All of them together are published as one event."""
    return Problem(422, "too_large", f"All {what} of an account together may have {limit_bytes} bytes.")


def changed_meanwhile() -> Problem:
    """Two requests changed the same thing at once, again and again."""
    return Problem(409, "conflict", "This was changed by somebody else at the same moment; try again.")
