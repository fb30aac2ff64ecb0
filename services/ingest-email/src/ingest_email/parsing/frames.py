"""What goes over the pipes to a parser process and back: blocks of bytes, each with its length in front.

The answer's facts are JSON and its files plain bytes, never pickles: whoever takes the parser over must not get
further than that process.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, BinaryIO

from ingest_email.parsing.model import ParsedMail

LENGTH_BYTES = 8
READY = b"ready"


@dataclass(frozen=True, slots=True)
class Failure:
    """The parser's word for why it gave up."""

    code: str


def pack(blocks: Sequence[bytes]) -> bytes:
    """Blocks as they travel."""
    return b"".join(len(block).to_bytes(LENGTH_BYTES, "big") + block for block in blocks)


def receive(stream: BinaryIO) -> bytes | None:
    """The next block; None when the other side is gone."""
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "big")
    block = stream.read(size)
    return block if len(block) == size else None


def encode_answer(answer: ParsedMail | Failure) -> list[bytes]:
    """The facts, then the files."""
    if isinstance(answer, Failure):
        return [_json({"failure": answer.code})]
    return [_json({"head": answer.head, "body": answer.body}), *answer.contents]


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Dates, and dataclasses without the deep copy that `asdict` makes."""
    if isinstance(value, datetime):
        return value.isoformat()
    return {field.name: getattr(value, field.name) for field in fields(value)}
