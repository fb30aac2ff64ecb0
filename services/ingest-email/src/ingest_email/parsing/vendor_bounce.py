"""Bounces in a mail server's own words (qmail, Exim, Exchange …), where RFC 3464 has nothing to read. Pure.

Only mail that a mail server says it wrote is looked at: customers write about bounces, too.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from email.parser import BytesParser
from email.policy import compat32

from ingest_email.parsing.cpu_budget import BudgetSpent, cpu_budget
from ingest_email.parsing.delivery_report import MAX_DIAGNOSTIC, MAX_RECIPIENTS, referring_to
from ingest_email.parsing.header_block import HeaderBlock, read_block
from ingest_email.parsing.headers import bare_address
from ingest_email.parsing.model import AutomaticMark, DeliveryReport, FailedRecipient, MailHead
from ingest_email.parsing.plain_text import clean_line

_SEARCHED_BYTES = 256 * 1024
_LINE_BYTES = 1000
"""The detectors' patterns take time with the square of a line, and the budget can only end them between lines."""

_SECONDS = 1.0
_ASCII = bytes(range(128)) + b"?" * 128
"""The detectors stumble over fields with other bytes, and skip addresses with them."""

_MAIL_SERVERS = frozenset({"mailer-daemon", "mailerdaemon", "mail-daemon", "mdaemon", "postmaster"})
_REPORTED = re.compile(rb"^[> \t]{0,10}Message-ID:[ \t]{0,10}<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE)
_STILL_TRYING = re.compile(
    rb"warning message only|transient non-fatal|not yet been delivered|need to resend|will be retried|still trying"
    rb"|attempts will continue|no action is required",
    re.IGNORECASE,
)
"""flufl.bounce takes some of these warnings for failures; in doubt nobody has failed."""

_REFUSAL = re.compile(r"\b[45]\d\d[ -](?:#?([245]\.\d{1,3}\.\d{1,3})[ :-]{1,3})?[^\r\n]{3,500}")


def with_vendor_bounce(head: MailHead, raw: bytes) -> MailHead:
    """The head with what a mail server reports in words of its own; every other head as it is."""
    if not _is_of_mail_server(head, read_block(raw)):
        return head
    beginning = b"\n".join(line[:_LINE_BYTES] for line in raw[:_SEARCHED_BYTES].split(b"\n"))
    named, permanent = _failures(beginning)
    if not named:
        return head
    body = beginning[read_block(beginning).body_offset or 0 :]
    reported = _REPORTED.search(body)
    reported_id = reported[1].decode(errors="replace") if reported else None
    words = body[: reported.start()] if reported else body
    if _STILL_TRYING.search(words):
        permanent = []
    said = _refusal(words) if len(permanent) == 1 else FailedRecipient("")
    failed = tuple(replace(said, address=address) for address in permanent)
    return replace(
        head,
        report=DeliveryReport(("failed",) * len(failed) or ("delayed",), failed, reported_id),
        references=referring_to(head.references, reported_id),
        automatic=AutomaticMark("bounce", "bounce_in_words")
        if failed
        else AutomaticMark("auto_reply", "delivery_delayed"),
    )


def _is_of_mail_server(head: MailHead, block: HeaderBlock) -> bool:
    if head.report is not None and head.report.actions:
        return False
    rule = head.automatic.rule if head.automatic else ""
    author = (head.from_email or "").partition("@")[0]
    is_bounce = rule in ("null_reverse_path", "delivery_status_report")
    return is_bounce or author in _MAIL_SERVERS or bool(block.all("x-failed-recipients"))


def _failures(raw: bytes) -> tuple[list[str], list[str]]:
    """Whom the mail has not reached, and those of them whom it will not reach."""
    # Imported when needed: few mails are bounces, and fewer still in words of their own.
    from flufl.bounce import all_failures  # noqa: PLC0415

    try:
        with cpu_budget(_SECONDS):
            temporary, permanent = all_failures(BytesParser(policy=compat32).parsebytes(raw.translate(_ASCII)))
    except (BudgetSpent, Exception):  # noqa: BLE001 - its detectors raise whatever they like; the mail is read all the same
        return [], []
    return _addresses(temporary | permanent), _addresses(permanent)


def _addresses(found: Iterable[bytes]) -> list[str]:
    known = {address for one in found if (address := bare_address(one.decode(errors="replace")))}
    return sorted(known)[:MAX_RECIPIENTS]


def _refusal(said: bytes) -> FailedRecipient:
    """The other server's words, where the report quotes an answer of SMTP."""
    found = _REFUSAL.search(said.decode(errors="replace"))
    return FailedRecipient("") if found is None else FailedRecipient("", found[1], clean_line(found[0], MAX_DIAGNOSTIC))
