"""An outgoing mail as RFC 5322 wants it. Pure; attachments are given with their content."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from contracts.outbound import OutboundMessageRequested
from contracts.people import Attachment
from contracts.settings import SupportAddress
from notifier import agent_html, reply_page
from notifier.identifiers_header import MAIL_POLICY

_AUTOMATIC = frozenset({"auto_reply", "keyword_answer", "follow_up"})


def compose_mail(
    request: OutboundMessageRequested,
    address: SupportAddress,
    attachments: Sequence[tuple[Attachment, bytes]],
    sent_at: datetime,
    unsubscribe_link: str | None = None,
) -> EmailMessage:
    """The whole mail, CRLF line ends, text and HTML; automatic mail says so, and how to end it (RFC 3834, 8058).

    Line breaks in names and subjects become spaces: a header is one line, whatever an agent or customer typed. Nothing
    in it is 8 bits wide, so that no relay has to recode what was signed (DKIM, RFC 6376, section 5.3).
    """
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = _address(_one_line(address.from_name or request.author_name or ""), request.sender)
    mail["To"] = _address(_one_line(request.recipient.name or ""), request.recipient.email or "")
    mail["Subject"] = _one_line(request.subject or "")
    mail["Date"] = format_datetime(sent_at)
    _thread(mail, request)
    if is_automatic(request):
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    if unsubscribe_link is not None:
        mail["List-Unsubscribe"] = f"<{unsubscribe_link}>"
        if unsubscribe_link.startswith("https:"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(signed_text(request.text, address.signature))
    page = (agent_html.clean(request.html) if request.html else None) or reply_page.page_of(request.text)
    if page:
        mail.add_alternative(agent_html.signed(page, address.signature), subtype="html")
    for attachment, content in attachments:
        major, _, minor = attachment.content_type.partition("/")
        mail.add_attachment(
            content,
            maintype=major or "application",
            subtype=minor.split(";")[0] or "octet-stream",
            filename=_one_line(attachment.name),
        )
    return mail


def is_automatic(request: OutboundMessageRequested) -> bool:
    """Whether a machine wrote it."""
    return request.purpose in _AUTOMATIC


def without_reply_address(request: OutboundMessageRequested) -> OutboundMessageRequested:
    """The request for a sender whose provider drops plus-addresses: answers find their ticket by Message-ID alone."""
    thread = request.mail.model_copy(update={"reply_to": None}) if request.mail else None
    return request.model_copy(update={"mail": thread})


def signed_text(text: str, signature: str) -> str:
    """The text with the address' signature below the usual mark (RFC 3676, section 4.3)."""
    return f"{text.rstrip()}\n\n-- \n{signature.strip()}\n" if signature.strip() else f"{text.rstrip()}\n"


def _thread(mail: EmailMessage, request: OutboundMessageRequested) -> None:
    thread = request.mail
    if thread is None:
        mail["Message-ID"] = f"<{request.message_id}@{request.sender.rpartition('@')[2]}>"
        return
    mail["Message-ID"] = f"<{_one_word(thread.message_id)}>"
    if thread.in_reply_to:
        mail["In-Reply-To"] = f"<{_one_word(thread.in_reply_to)}>"
    if thread.references:
        mail["References"] = " ".join(f"<{_one_word(reference)}>" for reference in thread.references)
    if thread.reply_to:
        mail["Reply-To"] = thread.reply_to
    if thread.cc:
        mail["Cc"] = [_address("", address) for address in thread.cc]


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=_one_word(address))


def _one_line(text: str) -> str:
    """Without control characters either: some relays refuse mail for a NUL in a header."""
    return "".join(one for one in " ".join(text.split()) if unicodedata.category(one) != "Cc")


def _one_word(text: str) -> str:
    return "".join(text.split())
