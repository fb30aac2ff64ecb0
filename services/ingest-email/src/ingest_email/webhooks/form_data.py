"""The fields of an HTML form as bytes.

FastAPI's own reader turns fields into text, guessing between UTF-8 and Latin-1: a raw mail does not survive that.
"""

import re
from urllib.parse import unquote_to_bytes

MAX_FIELDS = 500

_MAX_HEAD_BYTES = 8192
_BOUNDARY = re.compile(r"boundary=(?:\"([^\"\r\n]{1,200})\"|([^\s;\",]{1,200}))", re.IGNORECASE)
_NAME = re.compile(rb";\s{0,10}name=(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)


class FormError(ValueError):
    """The body is no form, or one with too many fields."""


def read_form(body: bytes, content_type: str) -> dict[str, bytes]:
    """The first value of each field, files included.

    Raises:
        FormError: it cannot be read.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return _urlencoded(body)
    boundary = _BOUNDARY.search(content_type)
    if media_type == "multipart/form-data" and boundary is not None:
        return _multipart(body, (boundary[1] or boundary[2]).encode("latin-1"))
    raise FormError("the body is not a form")


def _urlencoded(body: bytes) -> dict[str, bytes]:
    if body.count(b"&") >= MAX_FIELDS:
        raise FormError("the form has too many fields")
    fields: dict[str, bytes] = {}
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        fields.setdefault(_plain(name).decode(errors="replace"), _plain(value))
    return fields


def _plain(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def _multipart(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """RFC 7578: what stands between the lines of the boundary; the last one ends with two hyphens."""
    delimiter = b"\r\n--" + boundary
    parts = (b"\r\n" + body).split(delimiter, MAX_FIELDS + 2)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):  # noqa: PLR2004 - before the first line and after the last
        raise FormError("the form does not end, or has too many fields")
    fields: dict[str, bytes] = {}
    for part in parts[1:-1]:
        end = part.find(b"\r\n\r\n", 0, _MAX_HEAD_BYTES)
        name = _NAME.search(part, 0, max(end, 0))
        if name is None:
            raise FormError("a field of the form has no name")
        fields.setdefault((name[1] or name[2]).decode(errors="replace"), part[end + 4 :])
    return fields
