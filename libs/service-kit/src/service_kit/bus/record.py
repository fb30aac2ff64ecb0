"""A record: what any engine stores for an event, before anybody has looked inside."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """Key, value and headers; `position` is where it lies, in its engine's own words.

    A key that is not UTF-8 is carried with surrogate escapes, so that its bytes survive.
    """

    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    position: str = ""

    @property
    def size(self) -> int:
        """Bytes of everything a producer gave, as the limit on records counts them."""
        headers = sum(len(name.encode()) + len(text.encode()) for name, text in self.headers.items())
        return len(self.key.encode("utf-8", "surrogateescape")) + len(self.value) + headers


@dataclass(frozen=True, slots=True)
class Addressed:
    """A record and the topic it is for, or the dead letters it joins."""

    topic: str
    record: Record
