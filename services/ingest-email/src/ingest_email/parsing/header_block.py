"""The header fields of a mail, read without the standard library's parser: bounded, in one pass, never failing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_BLOCK_BYTES = 64 * 1024
_MAX_FIELDS = 2000

_END = re.compile(rb"\A\r?\n|\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_NAME = re.compile(rb"[!-9;-~]{1,100}")


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """Fields in order, names in lower case, values unfolded but not decoded.

    `body_offset` is where the body begins; None when the block is larger than `MAX_BLOCK_BYTES`, and then the fields
    are those of its beginning.
    """

    fields: tuple[tuple[str, str], ...]
    body_offset: int | None

    def all(self, name: str) -> list[str]:
        """Every value of a field, in order."""
        return [value for field, value in self.fields if field == name]

    def first(self, name: str) -> str:
        """The first value of a field, empty if there is none."""
        return next(iter(self.all(name)), "")


def read_block(raw: bytes) -> HeaderBlock:
    """The header block of a raw mail."""
    beginning = raw[: MAX_BLOCK_BYTES + 4]
    end = _END.search(beginning)
    if end is not None and end.start() <= MAX_BLOCK_BYTES:
        return HeaderBlock(_fields(beginning[: end.start()]), end.end())
    is_whole = len(raw) <= MAX_BLOCK_BYTES
    return HeaderBlock(_fields(beginning[:MAX_BLOCK_BYTES]), len(raw) if is_whole else None)


def _fields(block: bytes) -> tuple[tuple[str, str], ...]:
    lines = _FOLD.sub(b" ", block).split(b"\n")
    return tuple(_split(lines))[:_MAX_FIELDS]


def _split(lines: Iterable[bytes]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon and _NAME.fullmatch(name.rstrip()):
            yield name.rstrip().decode("ascii").lower(), _text(value.strip())


def _text(value: bytes) -> str:
    """Raw 8-bit headers are UTF-8 (RFC 6532) or, from old senders, Western."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("cp1252", errors="replace")
