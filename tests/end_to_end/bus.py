"""The bus as another program sees it, whichever engine carries it."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from end_to_end.until import until


class Bus(ABC):
    """Writes records past every service, and looks at what became of them; a context manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    def put(self, topic: str, key: str, value: bytes, **headers: str) -> None:
        """Append a record; headers as CloudEvents' binary mode names them."""

    @abstractmethod
    def dead_letters(self, topic: str, group: str) -> list[dict[str, Any]]:
        """What was set aside and not put back: key, value, and headers that say why."""

    @abstractmethod
    def is_read(self, topic: str, group: str) -> bool:
        """Whether the group has handled everything that is on the topic now."""

    def dead_letter(self, topic: str, group: str, key: str) -> dict[str, Any]:
        """The one dead letter of a key, once it is there."""
        (letter,) = until(lambda: [one for one in self.dead_letters(topic, group) if one["key"] == key])
        return letter

    def read_by(self, topic: str, group: str) -> None:
        """Returns when the group has handled everything on the topic."""
        until(lambda: self.is_read(topic, group))
