"""What a mail server says about a mail of ours: RFC 3464, from the parts of the report. Pure."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ingest_email.parsing.header_block import read_block
from ingest_email.parsing.headers import bare_address, ids_in
from ingest_email.parsing.mime_tree import AnyMessage, contents, leaves
from ingest_email.parsing.model import AutomaticMark, DeliveryReport, FailedRecipient, MailHead
from ingest_email.parsing.plain_text import clean_line

MAX_RECIPIENTS = 20
_MAX_FIELD = 4096
_MAX_ACTION = 20
MAX_DIAGNOSTIC = 500
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


def with_report(head: MailHead, message: AnyMessage) -> MailHead:
    """The head of a delivery report with what it reports; every other head as it is.

    The reported mail joins the references, so that the report finds its ticket. A report of nobody's failure is no
    bounce: the mail is late, or it has arrived.
    """
    if head.automatic is None or head.automatic.rule != "delivery_status_report":
        return head
    report = _read(message)
    if report is None:
        return head
    references = referring_to(head.references, report.reported_id)
    mark = head.automatic
    if report.actions and not report.failed:
        mark = AutomaticMark("auto_reply", "delivery_delayed" if "delayed" in report.actions else "delivery_notice")
    return replace(head, report=report, references=references, automatic=mark)


def referring_to(references: tuple[str, ...], reported_id: str | None) -> tuple[str, ...]:
    """The references with the mail that a report is about, so that the report finds its ticket."""
    return references if reported_id is None or reported_id in references else (*references, reported_id)


def _read(message: AnyMessage) -> DeliveryReport | None:
    parts = list(leaves(message))
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if status is None:
        return None
    recipients = list(islice(_recipients(status), MAX_RECIPIENTS))
    return DeliveryReport(
        actions=tuple(action for action, _ in recipients),
        failed=tuple(recipient for action, recipient in recipients if action == "failed"),
        reported_id=_reported_id(parts),
    )


def _recipients(status: AnyMessage) -> Iterator[tuple[str, FailedRecipient]]:
    """Action and recipient of each group of fields after the first, which is about the server itself."""
    groups = status.get_payload()
    for group in groups[1:] if isinstance(groups, list) else ():
        fields = _fields(group) if not isinstance(group, str) else {}
        address = bare_address(_value(fields.get("final-recipient") or fields.get("original-recipient", "")))
        if address is None:
            continue
        code = _STATUS.search(fields.get("status", ""))
        words = clean_line(_value(fields.get("diagnostic-code", "")), MAX_DIAGNOSTIC)
        action = clean_line(fields.get("action", "").partition("(")[0].lower(), _MAX_ACTION)
        yield action, FailedRecipient(address, code[0] if code else None, words or None)


def _reported_id(parts: list[AnyMessage]) -> str | None:
    """The Message-ID of the mail that came back, whole or its header only."""
    for part in parts:
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            inner = part.get_payload(0)
            found = ids_in(_fields(inner).get("message-id", "")) if not isinstance(inner, str) else ()
        elif part.get_content_type() == "text/rfc822-headers":
            found = ids_in(read_block(contents(part)).first("message-id"))
        else:
            continue
        if found:
            return found[0]
    return None


def _fields(group: AnyMessage) -> dict[str, str]:
    """The first value of each field, as it stands in the mail."""
    fields: dict[str, str] = {}
    for name, value in group.raw_items():
        fields.setdefault(name.lower(), str(value)[:_MAX_FIELD])
    return fields


def _value(field: str) -> str:
    """What follows the type: `rfc822; zoe@customer.example`, `smtp; 550 …`."""
    kind, mark, value = field.partition(";")
    return (value if mark else kind).strip().removeprefix("<").removesuffix(">")
