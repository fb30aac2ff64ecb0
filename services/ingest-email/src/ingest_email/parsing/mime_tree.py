"""A raw mail to its leaves, by the standard library, with every header it looks at kept short."""

from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import EmailPolicy, Policy, compat32
from functools import lru_cache
from typing import Any, TypeAlias

_MAX_FIELD = 4096
_MAX_DEPTH = 100
_FIELDS_REMEMBERED = 64

AnyMessage: TypeAlias = "Message[Any, Any]"
AnyPolicy: TypeAlias = "Policy[Any]"
"""Generic for the type checker only: at run time neither can be subscripted."""


class ShortFieldsPolicy(EmailPolicy):
    """The default policy, but no field is parsed beyond 4 kB, as its parsers are quadratic, nor again at every look.

    Every question about a part looks at its content type, and that was a third of what a mail cost.
    """

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The parsed field."""
        return _parsed(name, value[:_MAX_FIELD])


@lru_cache(maxsize=_FIELDS_REMEMBERED)
def _parsed(name: str, value: str) -> Any:
    return _DEFAULT.header_fetch_parse(name, value)


_DEFAULT = EmailPolicy()


PARSING: tuple[AnyPolicy, ...] = (ShortFieldsPolicy(), compat32)
"""Tried in this order: the default policy understands more, the old one survives more."""


def read_tree(raw: bytes, policy: AnyPolicy) -> AnyMessage:
    """The mail as the standard library sees it."""
    message: AnyMessage = BytesParser(policy=policy).parsebytes(raw)
    return message


def leaves(message: AnyMessage, depth: int = 0) -> Iterator[AnyMessage]:
    """The parts that hold something, in order. A forwarded mail is one part: what is inside is not ours to split."""
    if depth < _MAX_DEPTH and message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in _inner(message):
            yield from leaves(part, depth + 1)
    else:
        yield message


def _inner(message: AnyMessage) -> list[AnyMessage]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def declared_charset(part: AnyMessage) -> str | None:
    """What the part says of its charset."""
    charset = part.get_param("charset")
    return charset if isinstance(charset, str) else None


def contents(part: AnyMessage) -> bytes:
    """The bytes of a leaf, decoded from their transfer encoding; those of a forwarded mail as they would be sent."""
    if part.is_multipart():
        return b"\n".join(_written(inner) for inner in _inner(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _written(message: AnyMessage) -> bytes:
    """A mail as it would be sent; where the library cannot write what it has read, fields and text as they were."""
    try:
        return message.as_bytes(policy=compat32)
    except (MessageError, ValueError, LookupError, TypeError):
        fields = "".join(f"{name}: {value}\n" for name, value in message.raw_items())
        text = "".join(part for part in (message.preamble, message.get_payload()) if isinstance(part, str))
        parts = [_written(inner) for inner in _inner(message)]
        return b"\n".join([_bytes(fields), _bytes(text), *parts])


def _bytes(text: str) -> bytes:
    """What the parser was given; bytes that were no text come back as they were."""
    return text.encode(errors="surrogateescape")
