"""How large and how deep a mail is, measured before any parser sees it: one pass over the bytes, no recursion."""

import re
from dataclasses import dataclass

from ingest_email.parsing.header_block import read_block

MAX_PARTS = 1000
MAX_DEPTH = 50

_MARK = re.compile(
    rb"^--([^\r\n]{1,200})|boundary\s{0,20}=\s{0,20}(?:\"([^\"\r\n]{1,200})|([^\s\";]{1,200}))",
    re.IGNORECASE | re.MULTILINE,
)


class OverLimit(Exception):
    """A mail that no parser may see. `code` is public: it becomes the parse error of the ticket's message."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Outline:
    """Upper bounds that hold for every mail whose boundaries are declared in plain words."""

    parts: int
    depth: int


def measure(raw: bytes) -> Outline:
    """Count the lines that are declared boundaries, and how deep they stand in each other."""
    if b"boundary" not in raw.lower():
        return Outline(0, 0)
    levels: dict[bytes, int] = {}
    parts = deepest = current = 0
    for mark in _MARK.finditer(raw):
        line, quoted, bare = mark.groups()
        if line is None:
            levels[(quoted or bare).rstrip()] = current + 1
            continue
        name = line.rstrip()
        is_closing = name not in levels
        level = levels.get(name.removesuffix(b"--") if is_closing else name)
        if level is not None:
            parts += not is_closing
            current = level - 1 if is_closing else level
            deepest = max(deepest, current)
    return Outline(parts, deepest)


def check(raw: bytes) -> None:
    """Refuse what would stall a parser.

    Raises:
        OverLimit: too large a header block, too many parts, too deep.
    """
    if read_block(raw).body_offset is None:
        raise OverLimit("header_block_over_limit")
    outline = measure(raw)
    if outline.parts > MAX_PARTS:
        raise OverLimit("parts_over_limit")
    if outline.depth > MAX_DEPTH:
        raise OverLimit("depth_over_limit")
