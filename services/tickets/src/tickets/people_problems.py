"""What can stand against a request about people, each with its public code."""

from service_kit.problem import Problem


def email_taken() -> Problem:
    """Somebody signs in with this address already, in this account or another."""
    return Problem(409, "email_taken", "Somebody uses this e-mail address already; give another one.")


def account_exists() -> Problem:
    """The id was given to an account with another owner."""
    return Problem(409, "account_exists", "There is an account of this id with another owner.")


def last_owner() -> Problem:
    """Without an owner nobody could manage the account."""
    return Problem(409, "last_owner", "An account needs an owner; make somebody else one first.")


def too_many(what: str, limit: int) -> Problem:
    """The account holds as many as it may."""
    return Problem(409, "limit_reached", f"An account may have {limit} {what}.")


def role_too_high() -> Problem:
    """Nobody grants, or changes who has, more than they may themselves."""
    return Problem(403, "role_too_high", "You cannot give this role, or change who has it: it may more than you.")


def own_credentials() -> Problem:
    """One's own address and password change only where the present password is asked for."""
    return Problem(403, "own_credentials", "Change your own address and password at /v1/agents/me.")


def scope_too_wide(refused: list[str]) -> Problem:
    """Nobody grants what they may not do themselves."""
    return Problem(403, "scope_too_wide", "You cannot grant what you may not do yourself.", refused=refused)


def invalid_credentials() -> Problem:
    """The same for an unknown address and a wrong password, so that neither can be told."""
    return Problem(
        401,
        "invalid_credentials",
        "The e-mail address or the password is wrong.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def wrong_password() -> Problem:
    """A change to one's own password or address needs the present password."""
    return Problem(403, "wrong_password", "`current_password` is missing or wrong.")


def too_many_sign_ins(retry_after_seconds: int) -> Problem:
    """The address is locked after too many failures."""
    return Problem(
        429,
        "too_many_sign_ins",
        "Too many failed sign-ins for this e-mail address; wait before the next.",
        headers={"Retry-After": str(retry_after_seconds)},
    )


def session_needed() -> Problem:
    """An API key is no session."""
    return Problem(403, "session_needed", "This works only with the session of a person, not with an API key.")


def agent_needed() -> Problem:
    """A key that acts for nobody is no agent."""
    return Problem(404, "not_an_agent", "This API key acts for no agent.")
