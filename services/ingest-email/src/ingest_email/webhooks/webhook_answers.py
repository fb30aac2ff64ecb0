"""What a provider's call is told when its mail is not taken: in the status that makes this provider do the right thing.

A mail that can never be taken is given up. What somebody can repair here (credentials, options) is asked for again,
so that a mistake in the settings costs no mail.
"""

from ingest_email.webhooks.provider import Provider
from service_kit.http.problems import Problem


def unknown_recipient(provider: Provider) -> Problem:
    """Nobody's mail."""
    return Problem(provider.give_up, "unknown_recipient", "No recipient of the envelope is a support address here.")


def malformed_call(provider: Provider, detail: str) -> Problem:
    """Not what this provider sends."""
    return Problem(provider.give_up, "malformed_webhook", f"This is not a call of {provider.name}: {detail}.")


def too_large(provider: Provider, limit_bytes: int) -> Problem:
    """Over the size limit (I7)."""
    return Problem(provider.give_up, "too_large", f"A mail may have {limit_bytes} bytes.")


def token_reused(provider: Provider) -> Problem:
    """A proof that stood for another mail."""
    return Problem(provider.give_up, "token_reused", "The signature was used for another mail already.")


def raw_mail_missing(provider: Provider, what_to_do: str) -> Problem:
    """We take the mail itself, never somebody's reading of it."""
    return Problem(provider.ask_again, "raw_mail_missing", f"The raw mail is missing. {what_to_do}")


def bad_credentials(provider: Provider) -> Problem:
    """Not from the provider of the recipient's account, as far as its settings say."""
    detail = f"The call fits nothing in `{provider.name}` of the settings `email` of the recipient's account."
    return Problem(provider.ask_again, "bad_credentials", detail)
