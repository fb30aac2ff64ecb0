"""The files of a mail: everything in it that is not its text."""

import mimetypes
import re
from collections.abc import Sequence
from typing import TypeAlias

from ingest_email.parsing.headers import decode_words
from ingest_email.parsing.mime_tree import AnyMessage, contents
from ingest_email.parsing.model import AttachedFile

MAX_FILES = 100

File: TypeAlias = tuple[AttachedFile, bytes]
"""What a file is, and its bytes."""

_MAX_NAME = 200
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,99}/[a-z0-9!#$&^_.+-]{1,99}")
UNKNOWN_TYPE = "application/octet-stream"
_SEPARATORS = re.compile(r"[/\\]")


def read_files(parts: Sequence[AnyMessage]) -> list[File]:
    """What the parts are, and their bytes, in order; the first `MAX_FILES` of them."""
    return [
        file_of(
            contents(part),
            number=number,
            name=part.get_filename() or "",
            content_type=part.get_content_type(),
            content_id=str(part.get("content-id", "")),
        )
        for number, part in enumerate(parts[:MAX_FILES], 1)
    ]


def file_of(body: bytes, *, number: int, name: str, content_type: str, content_id: str) -> File:
    """A file as it is shown, whatever the mail calls it; `number` names one without a name."""
    given = content_type.lower()
    shown = given if _TYPE.fullmatch(given) else UNKNOWN_TYPE
    described = AttachedFile(
        name=_name(name) or f"attachment-{number}{_extension(shown)}",
        content_type=shown,
        size=len(body),
        content_id=decode_words(content_id.strip().strip("<>"), _MAX_NAME) or None,
    )
    return described, body


def _name(given: str) -> str:
    """The last component only: some senders give the whole path on their machine, others try to leave ours."""
    return _SEPARATORS.split(decode_words(given, _MAX_NAME))[-1].lstrip(".").strip()


def _extension(content_type: str) -> str:
    if content_type == "message/rfc822":
        return ".eml"
    return mimetypes.guess_extension(content_type) or ""
