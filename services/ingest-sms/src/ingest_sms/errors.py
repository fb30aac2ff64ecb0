"""What a provider's webhook is told when its message is not taken."""

from service_kit.http.problems import Problem


def bad_signature() -> Problem:
    """The payload is kept in quarantine; a corrected token makes the next one pass."""
    return Problem(
        403, "bad_signature", "The signature fits none of this number's tokens; the payload was quarantined."
    )


def unknown_number(number: str) -> Problem:
    """No account receives SMS on this number."""
    return Problem(404, "unknown_number", f"No account has the number {number!r}; add it to the settings `sms`.")


def malformed_webhook(detail: str) -> Problem:
    """The payload lacks what every message has."""
    return Problem(422, "malformed_webhook", detail)


def number_taken(number: str) -> Problem:
    """Numbers are unique over all accounts."""
    return Problem(409, "number_taken", f"The number {number} belongs to another account.")


def not_a_number(number: str) -> Problem:
    """The inbox needs numbers that can receive; alphanumeric sender ids cannot (M9)."""
    return Problem(
        422, "not_a_number", f"{number!r} is not a phone number in E.164; sender ids of letters cannot receive SMS."
    )
