"""A raw mail to what it says. Pure; runs in a parser process only: every parser has inputs that stall it."""

from collections.abc import Iterator

from ingest_email.parsing.bodies import read_body
from ingest_email.parsing.delivery_report import with_report
from ingest_email.parsing.headers import read_head
from ingest_email.parsing.mime_tree import PARSING, AnyPolicy, read_tree
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.outline import check
from ingest_email.parsing.quotes import is_forward
from ingest_email.parsing.vendor_bounce import with_vendor_bounce


def parse(raw: bytes, *, envelope_sender: str) -> ParsedMail:
    """Understand a mail, with the second parser where the first one fails.

    Raises:
        OverLimit: it is larger or deeper than any parser may see.
        Exception: whatever the parsers raise on it.
    """
    check(raw)
    head = read_head(raw, envelope_sender=envelope_sender)
    failure: Exception | None = None
    for readable, policy in _attempts(raw):
        try:
            tree = read_tree(readable, policy)
            body, contents = read_body(tree, is_forward=is_forward(head.subject))
            whole = with_vendor_bounce(with_report(head, tree), raw)
        except Exception as error:  # noqa: BLE001 - raised again below unless the other parser succeeds
            failure = error
        else:
            return ParsedMail(whole, body, contents)
    raise failure or AssertionError("no parser was tried")


def _attempts(raw: bytes) -> Iterator[tuple[bytes, AnyPolicy]]:
    """What to read, and how, until it can be read."""
    yield from ((raw, policy) for policy in PARSING)
    if b"\0" in raw:
        # No mail may have such a byte (RFC 5322), and both parsers fail on one in a parameter.
        yield raw.replace(b"\0", b""), PARSING[-1]
