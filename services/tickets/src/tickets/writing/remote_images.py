"""Pictures that a customer's mail names but does not hold: which ones a message shows, and what counts as one. Pure.

ingest-email writes their addresses under a scheme of its own, so that no browser fetches them and nobody learns that,
when and where a mail was read (S4).
"""

import html
import re

_SHOWN = re.compile(r'\bsrc="remote:([^"]{1,10000})"')
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def remote_images(message_html: str | None) -> frozenset[str]:
    """The addresses of the pictures that a message shows from elsewhere."""
    return frozenset(html.unescape(found[1]) for found in _SHOWN.finditer(message_html or ""))


def image_type(data: bytes) -> str | None:
    """The type of a picture by how it begins, whatever its server calls it. SVG is none: it can hold scripts."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _BEGINNINGS if data.startswith(beginning)), None)
