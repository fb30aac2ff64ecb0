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


def directory_full(limit_bytes: int) -> Problem:
    """Every service is told of all agents at once."""
    return Problem(
        422, "too_large", f"Names and addresses of all agents, those who left too, may have {limit_bytes} bytes."
    )


def role_too_high() -> Problem:
    """Nobody grants, or changes who has, more than they may themselves."""
    return Problem(403, "role_too_high", "You cannot give this role, or change who has it: it may more than you.")


def own_credentials() -> Problem:
    """One's own address, password and second factor change only where the present password is asked for."""
    return Problem(403, "own_credentials", "Change your own address, password and one-time codes at /v1/agents/me.")


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


def wrong_password(field: str = "current_password") -> Problem:
    """A change to one's own password, address or second factor needs the present password."""
    return Problem(403, "wrong_password", f"`{field}` is missing or wrong.")


def totp_required() -> Problem:
    """Said only to somebody who knows the password."""
    return Problem(
        401,
        "totp_required",
        "Signing in needs a one-time code; send it as `totp`.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def totp_wrong() -> Problem:
    """The same for a wrong code and for one that was used."""
    return Problem(
        401, "totp_wrong", "The one-time code is wrong, or was used.", headers={"WWW-Authenticate": "Bearer"}
    )


def totp_refused() -> Problem:
    """The code is wrong or used; who asks is signed in, so this is no 401."""
    return Problem(403, "totp_wrong", "The one-time code is wrong, or was used.")


def totp_not_begun() -> Problem:
    """There is no secret that a code could confirm."""
    return Problem(409, "totp_not_begun", "Begin with POST /v1/agents/me/totp.")


def totp_enabled() -> Problem:
    """The second factor is on."""
    return Problem(409, "totp_enabled", "One-time codes are on already; turn them off first.")


def totp_disabled() -> Problem:
    """The second factor is off."""
    return Problem(409, "totp_disabled", "One-time codes are off.")


def too_many_sign_ins(retry_after_seconds: int) -> Problem:
    """Too many failures, of a device or of strangers to the address, or too many passwords and codes of a session."""
    return Problem(
        429,
        "too_many_sign_ins",
        "Too many wrong passwords or codes; wait before the next.",
        headers={"Retry-After": str(retry_after_seconds)},
    )


def session_needed() -> Problem:
    """An API key is no session."""
    return Problem(403, "session_needed", "This works only with the session of a person, not with an API key.")


def agent_needed() -> Problem:
    """A key that acts for nobody is no agent."""
    return Problem(404, "not_an_agent", "This API key acts for no agent.")
