"""The mail that shows whether mail to a support address arrives. Pure."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from notifier.identifiers_header import MAIL_POLICY
from service_kit.mail_checks import CheckMail
from service_kit.signing import Signer

_MAX_LOCAL_PART = 64


def tagged(signer: Signer, account_id: str, check_id: str, address: str) -> str | None:
    """The address with a token of the length and letters that our Reply-To has; None where that is too long."""
    local, _, domain = address.rpartition("@")
    check = check_id.partition("_")[2]
    with_tag = f"{local}+{check}.{signer.sign('check-address', account_id, check)}"
    return f"{with_tag}@{domain}" if len(with_tag) <= _MAX_LOCAL_PART else None


def check_mail(signer: Signer, account_id: str, address: str, mail: CheckMail, at: datetime) -> EmailMessage:
    """The mail, from the address to itself: whatever our relay may send for it, it may send this."""
    recipient = tagged(signer, account_id, mail.check_id, address) if mail.variant == "tagged" else address
    letter = EmailMessage(policy=MAIL_POLICY)
    letter["From"] = Address(display_name="Deskbus", addr_spec=address)
    letter["To"] = Address(addr_spec=recipient or address)
    letter["Subject"] = "Does mail to this address arrive?"
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = f"<{mail.mail_id(signer, account_id, address.rpartition('@')[2])}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(
        "This mail was sent to see whether mail to this address is forwarded to Deskbus.\n"
        "There is nothing to answer. If you can read it in a mailbox of yours, it is kept there, and perhaps not\n"
        "forwarded.\n"
    )
    return letter
