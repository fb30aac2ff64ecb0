"""Which mail a machine wrote: RFC 3834, RFC 3464, and the headers that senders really use. Pure."""

import re

from ingest_email.parsing.header_block import HeaderBlock
from ingest_email.parsing.model import AutomaticMark

_DELIVERY_REPORT = re.compile(r"multipart/report\b.*\breport-type\s*=\s*\"?delivery-status\b", re.IGNORECASE)
_BULK = frozenset({"bulk", "list", "junk"})


def classify(block: HeaderBlock, *, envelope_sender: str) -> AutomaticMark | None:
    """The first rule that holds; None for mail of a person.

    What the mail says of itself goes before the empty reverse-path, because both bounces and vacation answers have
    one and only the former report a failure.
    """
    if _DELIVERY_REPORT.match(block.first("content-type")):
        return AutomaticMark("bounce", "delivery_status_report")
    if _token(block, "auto-submitted") not in ("", "no"):
        return AutomaticMark("auto_reply", "auto_submitted")
    if block.all("x-auto-response-suppress"):
        return AutomaticMark("auto_reply", "auto_response_suppress")
    if block.all("list-id"):
        return AutomaticMark("list", "list_id")
    if _token(block, "precedence") in _BULK:
        return AutomaticMark("list", "precedence")
    return None if envelope_sender else AutomaticMark("bounce", "null_reverse_path")


def _token(block: HeaderBlock, name: str) -> str:
    """The value without comments and parameters, in lower case."""
    return re.split(r"[;(\s]", block.first(name), maxsplit=1)[0].lower()
