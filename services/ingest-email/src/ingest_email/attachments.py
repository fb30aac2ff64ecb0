"""The files of a mail: everything in it that is not its text."""

import mimetypes
import re
from collections.abc import Sequence

from ingest_email.headers import decode_words
from ingest_email.mime_tree import AnyMessage, contents
from ingest_email.model import AttachedFile

MAX_FILES = 100

_MAX_NAME = 200
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,99}/[a-z0-9!#$&^_.+-]{1,99}")
_UNKNOWN_TYPE = "application/octet-stream"
_SEPARATORS = re.compile(r"[/\\]")


def read_files(parts: Sequence[AnyMessage]) -> tuple[tuple[AttachedFile, ...], tuple[bytes, ...]]:
    """What the parts are, and their bytes, in order; the first `MAX_FILES` of them."""
    kept = parts[:MAX_FILES]
    bodies = tuple(contents(part) for part in kept)
    described = zip(kept, bodies, strict=True)
    return tuple(_describe(part, body, number) for number, (part, body) in enumerate(described, 1)), bodies


def _describe(part: AnyMessage, body: bytes, number: int) -> AttachedFile:
    given = part.get_content_type().lower()
    content_type = given if _TYPE.fullmatch(given) else _UNKNOWN_TYPE
    content_id = str(part.get("content-id", "")).strip().strip("<>")
    return AttachedFile(
        name=_name(part) or f"attachment-{number}{_extension(content_type)}",
        content_type=content_type,
        size=len(body),
        content_id=decode_words(content_id, _MAX_NAME) or None,
    )


def _name(part: AnyMessage) -> str:
    """The last component only: some senders give the whole path on their machine, others try to leave ours."""
    return _SEPARATORS.split(decode_words(part.get_filename() or "", _MAX_NAME))[-1].lstrip(".").strip()


def _extension(content_type: str) -> str:
    if content_type == "message/rfc822":
        return ".eml"
    return mimetypes.guess_extension(content_type) or ""
