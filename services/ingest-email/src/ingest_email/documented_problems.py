"""What each operation of ingest-email may refuse besides what every service may, for its OpenAPI document.

Each provider is told in the status that makes it give up, or come again.
"""

from collections.abc import Sequence

from ingest_email.webhooks.mailgun import MAILGUN
from ingest_email.webhooks.postmark import POSTMARK
from ingest_email.webhooks.provider import Provider
from ingest_email.webhooks.sendgrid import SENDGRID
from service_kit.http.openapi_problems import OwnProblems


def _of(provider: Provider) -> Sequence[str]:
    given_up = ("malformed_webhook", "token_reused", "too_large", "unknown_recipient")
    asked_again = ("bad_credentials", "raw_mail_missing")
    return (
        *(f"{provider.give_up} {code}" for code in given_up),
        *(f"{provider.ask_again} {code}" for code in asked_again),
    )


PROBLEMS: OwnProblems = {
    "POST /v1/email/mailgun/inbound": _of(MAILGUN),
    "POST /v1/email/mailgun/inbound/mime": _of(MAILGUN),
    "POST /v1/email/sendgrid/inbound": _of(SENDGRID),
    "POST /v1/email/postmark/inbound": _of(POSTMARK),
    "GET /v1/settings/email": ("404 not_found",),
    "PATCH /v1/settings/email": (
        "404 not_found",
        "409 address_taken",
        "422 encryption_required",
        "422 invalid_address",
        "422 invalid_public_key",
        "422 settings_too_large",
        "422 unknown_support_address",
    ),
}
