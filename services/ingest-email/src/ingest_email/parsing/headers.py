"""A header block to a head: addresses, subject, ids, dates. Pure, bounded, and safe to run in our own process.

It serves the parser and, when the parser failed, the way around it: the identity of a mail is the same in both.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.header import decode_header
from email.utils import getaddresses, parsedate_to_datetime
from typing import TypeVar

from ingest_email.identity import synthetic_id
from ingest_email.parsing.automatic import classify
from ingest_email.parsing.charsets import decode
from ingest_email.parsing.header_block import HeaderBlock, read_block
from ingest_email.parsing.model import MailHead
from ingest_email.parsing.plain_text import clean_line

_MAX_SUBJECT = 1000
_MAX_NAME = 500
_MAX_IDS = 100
_MAX_ADDRESSES = 200
_MAX_DECODED = 4096
_MAX_ADDRESS_FIELD = 16_384
_MAX_ENCODED_IDS = 16_384

_ADDRESS = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[^\s@<>\"',;:\\()\[\]]{1,255}")
_ID = re.compile(r"<([^<>\s\x00-\x1f\x7f]{1,500})>")

T = TypeVar("T")


def read_head(raw: bytes, *, envelope_sender: str) -> MailHead:
    """Everything that the header block of a raw mail says."""
    block = read_block(raw)
    author = _author(block)
    subject = decode_words(block.first("subject"), _MAX_SUBJECT) or None
    sent_at = _attempt(lambda: _moment(block.first("date")), None)
    date_text = sent_at.isoformat() if sent_at else clean_line(block.first("date"), 100)
    own_id = _own_id(block)
    to, cc = _emails(block, "to"), _emails(block, "cc")
    named = (author[1] or bare_address(envelope_sender) or "", " ".join(to), " ".join(cc), date_text, subject or "")
    return MailHead(
        from_name=author[0],
        from_email=author[1],
        subject=subject,
        date_text=date_text,
        sent_at=sent_at,
        message_id=own_id,
        synthetic_id=None if own_id else synthetic_id(named, raw[block.body_offset :] if block.body_offset else raw),
        in_reply_to=_ids(block, "in-reply-to"),
        references=_ids(block, "references"),
        to=to,
        cc=cc,
        automatic=classify(block, envelope_sender=envelope_sender),
    )


def decode_words(value: str, limit: int) -> str:
    """A header value with its encoded words (RFC 2047) decoded, as one clean line."""
    plain = value[:_MAX_DECODED]
    return clean_line(_attempt(lambda: _decoded(plain), plain), limit)


def bare_address(text: str) -> str | None:
    """An address in lower case, or None if that is not one."""
    address = text.strip().lower()
    return address if _ADDRESS.fullmatch(address) and address.isprintable() else None


def ids_in(text: str) -> tuple[str, ...]:
    """The Message-IDs in angle brackets in a text."""
    return tuple(_ID.findall(text))


def _decoded(value: str) -> str:
    return "".join(_word(chunk, charset) for chunk, charset in decode_header(value))


def _word(chunk: bytes | str, charset: str | None) -> str:
    if isinstance(chunk, str):
        return chunk
    # What stands between encoded words comes back as bytes in an encoding of the standard library's own.
    return decode(chunk, charset) if charset else chunk.decode("raw_unicode_escape")


def _author(block: HeaderBlock) -> tuple[str | None, str | None]:
    """The first address of From, or else of Sender: some programs write their name where an address belongs."""
    found = (*_addresses(block, "from"), *_addresses(block, "sender"))
    return found[0] if found else (None, None)


def _emails(block: HeaderBlock, name: str) -> tuple[str, ...]:
    return tuple(email for _, email in _addresses(block, name))[:_MAX_ADDRESSES]


def _addresses(block: HeaderBlock, name: str) -> list[tuple[str | None, str]]:
    values = [value[:_MAX_ADDRESS_FIELD] for value in block.all(name)[:_MAX_IDS]]
    pairs: list[tuple[str, str]] = _attempt(lambda: getaddresses(values), [])
    named = ((display, bare_address(text)) for display, text in pairs[: _MAX_ADDRESSES * 2])
    found = [(decode_words(display, _MAX_NAME) or None, email) for display, email in named if email]
    # A value that the standard library cannot take apart (nested comments, stray quotes) may still hold an address.
    return found or [(None, email.lower()) for value in values for email in _ADDRESS.findall(value)]


def _own_id(block: HeaderBlock) -> str | None:
    value = block.first("message-id")
    found = _ID.search(value)
    return found[1] if found else clean_line(value.replace("<", "").replace(">", ""), 500) or None


def _ids(block: HeaderBlock, name: str) -> tuple[str, ...]:
    """The newest ids of a field, oldest first.

    Programs that use Python's mail library encode ids that are longer than a line, and ours are.
    """
    text = " ".join(block.all(name))
    if "=?" in text:
        newest = text[-_MAX_ENCODED_IDS:]
        text = _attempt(lambda: _decoded(newest), newest)
    return ids_in(text)[-_MAX_IDS:]


def _moment(value: str) -> datetime | None:
    moment = parsedate_to_datetime(value[:200])
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _attempt(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - the standard library raises whatever it likes on hostile headers
        return otherwise
