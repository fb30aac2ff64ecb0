"""What Outlook wraps into a winmail.dat (TNEF): its files, and its text where the mail has no other. Pure.

The library believes every count that the wrapping claims: it gets a budget of processor time, and the parser process
has a limit of memory. A wrapping that cannot be read stays the file that it is.
"""

import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ingest_email.parsing.attachments import MAX_FILES, UNKNOWN_TYPE, File, file_of
from ingest_email.parsing.charsets import decode
from ingest_email.parsing.compressed_rtf import unpacked
from ingest_email.parsing.cpu_budget import BudgetSpent, cpu_budget
from ingest_email.parsing.rich_text import MAX_RTF_BYTES, RichText, read_rich_text

_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_NAME = "winmail.dat"
_SECONDS = 2.0
_MAX_DEPTH = 3
_LONG_NAME, _MIME_TYPE, _CONTENT_ID = 0x3707, 0x370E, 0x3712
_TOLD = frozenset({_LONG_NAME, _MIME_TYPE, _CONTENT_ID})
"""MAPI properties of an attachment."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """Files, none of them a wrapping that could be read; text and HTML of the first of those that had any."""

    files: list[File]
    text: str = ""
    html: str = ""


def unwrap(files: Sequence[File], *, has_text: bool) -> Unwrapped:
    """The files, with what is in a winmail.dat in its place. `has_text`: the mail says without it what it says."""
    kept: list[File] = []
    text = html = ""
    for file, content in files:
        found = _opened(content, len(kept)) if file.content_type in _TYPES or file.name.lower() == _NAME else None
        if found is None:
            kept.append((file, content))
            continue
        kept += found.files
        text, html = text or found.text, html or found.html
        if not (has_text or text or html):
            # What it says, if anything, nothing here can show: whoever has Outlook can.
            kept.append((file, content))
    return Unwrapped(kept, text, html)


def _opened(content: bytes, count: int) -> Unwrapped | None:
    """What is in a wrapping; None if that is nothing, or cannot be read. `count` files stand before it."""
    # Imported when needed: few mails have one.
    from tnefparse import TNEF  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        with cpu_budget(_SECONDS):
            tnef = TNEF(content, do_checksum=False)
            inside = islice(_files(tnef, depth=0), MAX_FILES + 1)
            files = [file_of(data, number=number, **facts) for number, (data, facts) in enumerate(inside, count + 1)]
            said = _said(tnef)
            found = Unwrapped(files, said.text, said.html)
    except (BudgetSpent, Exception):  # noqa: BLE001 - it raises whatever it stumbles over; the file is kept as it is
        return None
    return found if found.files or found.text or found.html else None


def _files(tnef: Any, *, depth: int) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Contents and facts of the attachments; a message among them is its text and its own attachments."""
    for attachment in tnef.attachments:
        known = {one.name: one.data for one in attachment.mapi_attrs if one.name in _TOLD}
        name = _text(known.get(_LONG_NAME) or attachment._name, attachment)  # noqa: SLF001 - `name` takes it for UTF-8
        embedded = getattr(attachment, "embed", None)
        if embedded is not None and depth < _MAX_DEPTH:
            yield from _message(embedded, name or "message", depth=depth)
        elif isinstance(attachment.data, bytes):
            content_type = str(known.get(_MIME_TYPE) or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE)
            yield (
                attachment.data,
                {"name": name, "content_type": content_type, "content_id": str(known.get(_CONTENT_ID, ""))},
            )


def _message(tnef: Any, name: str, *, depth: int) -> Iterator[tuple[bytes, dict[str, str]]]:
    said = _said(tnef)
    for ending, content_type, body in ((".txt", "text/plain", said.text), (".html", "text/html", said.html)):
        if body:
            yield body.encode(), {"name": name + ending, "content_type": content_type, "content_id": ""}
    yield from _files(tnef, depth=depth + 1)


def _said(tnef: Any) -> RichText:
    """The text and the HTML of a message; what its rich text says where it has neither."""
    said = RichText(_text(tnef.body, tnef), _text(tnef.htmlbody, tnef))
    packed = tnef._rtfbody  # noqa: SLF001 - `rtfbody` unpacks it by a library that we do not have, without a limit
    if said.text or said.html or not isinstance(packed, bytes):
        return said
    return read_rich_text(unpacked(packed, limit=MAX_RTF_BYTES))


def _text(value: bytes | str | None, source: Any) -> str:
    """Text that the library may have decoded."""
    text = decode(value, source.codepage) if isinstance(value, bytes) else value or ""
    return text.strip("\0")
