"""What can stand against a request to the router, each with its public code."""

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


def schedule_in_use() -> Problem:
    """Deleting it would leave assignment without the hours it was told to keep."""
    return Problem(409, "schedule_in_use", "Assignment follows this schedule; choose another one there first.")


def default_team_fixed(what: str) -> Problem:
    """The default team is where tickets go that no other team matches; it has every agent."""
    return Problem(409, "default_team", f"The default team {what}.")


def too_many(what: str, limit: int) -> Problem:
    """The account holds as many as it may."""
    return Problem(409, "limit_reached", f"An account may have {limit} {what}.")


def too_large(what: str, limit_bytes: int) -> Problem:
    """All of them together are published as one event."""
    return Problem(422, "too_large", f"All {what} of an account together may have {limit_bytes} bytes.")


def changed_meanwhile() -> Problem:
    """Two requests changed the same thing at once, again and again."""
    return Problem(409, "conflict", "This was changed by somebody else at the same moment; try again.")
