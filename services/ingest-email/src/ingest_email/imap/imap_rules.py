"""Which settings of mailboxes are refused, and which changed. Pure."""

from collections.abc import Mapping, Sequence

from contracts.imap import ImapMailbox
from contracts.settings import EmailSettings
from service_kit.problem import Problem


def refuse_unreadable(settings: EmailSettings, *, allow_plain: bool) -> None:
    """Refuse mailboxes that could never be read.

    Raises:
        Problem: 422, which says which and why.
    """
    for name, mailbox in settings.imap.items():
        if mailbox.address not in settings.addresses:
            raise Problem(422, "unknown_support_address", f"imap.{name}.address is not among `addresses`.")
        if mailbox.security == "none" and not allow_plain:
            raise Problem(422, "encryption_required", f"imap.{name}.security must be `tls` or `starttls`.")
        if mailbox.auth.type == "oauth2" and mailbox.auth.token_url.scheme != "https" and not allow_plain:
            raise Problem(422, "encryption_required", f"imap.{name}.auth.token_url must begin with `https`.")


def changed_names(before: Mapping[str, ImapMailbox], after: Mapping[str, ImapMailbox]) -> Sequence[str]:
    """The mailboxes that are new or different."""
    return [name for name, mailbox in after.items() if before.get(name) != mailbox]
