"""Text without what has no place in text: control characters, lone surrogates, hidden direction overrides."""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LINE_ENDS = re.compile(r"\r\n?")


def clean_text(text: str) -> str:
    """Several lines, ended by a line feed each."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def clean_line(text: str, limit: int) -> str:
    """One line of at most `limit` characters, white space collapsed."""
    return _OVERRIDES.sub("", _CONTROLS.sub("", " ".join(text.split())))[:limit].strip()


def cut_to_bytes(text: str, limit: int) -> str:
    """The longest beginning of `text` that takes at most `limit` bytes in UTF-8."""
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[:limit].decode(errors="ignore")
