"""What can stand against following tickets live, each with its public code."""

from service_kit.problem import Problem


def too_many_present(limit: int) -> Problem:
    """A crowd nobody could make out."""
    return Problem(409, "limit_reached", f"So many agents are in this ticket that no more are shown: {limit}.")


def too_many_streams(limit: int) -> Problem:
    """One agent's windows take no more connections from the others."""
    detail = f"You have {limit} streams open; close one first."
    return Problem(429, "too_many_streams", detail, headers={"Retry-After": "5"})


def streams_full() -> Problem:
    """This process holds as many streams as it may; another replica may have room."""
    return Problem(503, "streams_full", "No more streams can be opened here now.", headers={"Retry-After": "5"})


def streams_stopping() -> Problem:
    """Another replica, or the next start, goes on from the same place."""
    return Problem(503, "stopping", "The service is stopping.", headers={"Retry-After": "2"})


def bad_last_event_id() -> Problem:
    """The place to go on from is a number that a stream gave."""
    return Problem(400, "bad_last_event_id", "`Last-Event-ID` must be the id of an event of this stream.")
