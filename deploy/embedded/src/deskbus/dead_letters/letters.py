"""Dead letters of all topics and groups: found by what is asked for, and named so that one can be asked for again."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.topic import Topic
from contracts.topics import TOPICS
from deskbus.dead_letters.replayed import Replayed
from deskbus.engines import Engines
from service_kit.bus import Bus
from service_kit.bus.port import DeadLetter
from service_kit.errors import DeskbusError

_PAGE = 200
_OUTSIDERS = "outsiders"


class UnknownLetterError(DeskbusError):
    """No such topic, group, or dead letter."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dead letters of one group on one topic lie."""

    topic: Topic
    group: str

    @property
    def name(self) -> str:
        """The dead-letter topic."""
        return self.topic.dead_letter_topic(self.group)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are asked for; what is None does not matter. `replayed`: also those that were put back."""

    topic: str | None = None
    group: str | None = None
    reason: str | None = None
    replayed: bool = False

    def places(self) -> list[Place]:
        """Where to look.

        Raises:
            UnknownLetterError: there is no such topic, or the group does not read it.
        """
        if self.topic is not None and self.topic not in {topic.name for topic in TOPICS}:
            names = ", ".join(topic.name for topic in TOPICS)
            raise UnknownLetterError(f"no topic {self.topic!r}; there are: {names}")
        places = [
            Place(topic, group)
            for topic in TOPICS
            if self.topic in {None, topic.name}
            for group in topic.consumers
            if group != _OUTSIDERS and self.group in {None, group}
        ]
        if not places:
            raise UnknownLetterError(f"{self.group!r} does not read {self.topic or 'any topic'}")
        return places


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter, where it lies, and when it was put back if it was."""

    place: Place
    letter: DeadLetter
    replayed_at: datetime | None = None

    @property
    def id(self) -> str:
        """What this letter is asked for by."""
        return f"{self.place.topic.name}/{self.place.group}/{self.letter.id}"

    def described(self) -> dict[str, Any]:
        """What may be shown of it to anybody who runs the system: no key and no body."""
        headers = self.letter.headers
        return {
            "id": self.id,
            "topic": self.place.topic.name,
            "group": self.place.group,
            "type": headers.get("ce_type"),
            "event_id": headers.get("ce_id"),
            "reason": headers.get("dlq_reason"),
            "error": headers.get("dlq_error"),
            "attempts": headers.get("dlq_attempts"),
            "bytes": len(self.letter.value),
            "replayed_at": self.replayed_at.isoformat() if self.replayed_at else None,
        }


class LetterBox:
    """All dead letters, beside the running system."""

    def __init__(self, buses: Mapping[str, Bus], replayed: Replayed) -> None:
        self._buses = buses
        self._replayed = replayed

    async def find(self, wanted: Wanted) -> AsyncGenerator[Letter, None]:
        """Those that are asked for, place by place, oldest first."""
        for place in wanted.places():
            async for letter in self._of(place):
                is_reason = wanted.reason in {None, letter.letter.headers.get("dlq_reason")}
                if is_reason and (wanted.replayed or letter.replayed_at is None):
                    yield letter

    async def get(self, letter_id: str) -> Letter:
        """One letter.

        Raises:
            UnknownLetterError: it is not there (any more).
        """
        topic, _, rest = letter_id.partition("/")
        group, _, position = rest.partition("/")
        for place in Wanted(topic=topic, group=group).places():
            async for letter in self._of(place):
                if letter.letter.id == position:
                    return letter
        raise UnknownLetterError(
            f"there is no dead letter {letter_id}; `deskbus dead-letters list` says which there are"
        )

    async def put_back(self, place: Place, letters: Sequence[Letter], now: datetime) -> None:
        """Put letters of one place back in their order, then note that they were.

        A crash between the two leaves them unmarked: put back once more, they change nothing (I4).
        """
        await self._bus_of(place).put_back(place.topic, [one.letter for one in letters])
        await self._replayed.note(place.name, [one.letter.id for one in letters], now)

    async def _of(self, place: Place) -> AsyncIterator[Letter]:
        marks, after = await self._replayed.of(place.name), None
        while page := await self._bus_of(place).dead_letters(place.topic, place.group, limit=_PAGE, after=after):
            for letter in page:
                yield Letter(place, letter, marks.get(letter.id))
            if len(page) < _PAGE:
                return
            after = page[-1].id

    def _bus_of(self, place: Place) -> Bus:
        return self._buses[place.group]


@asynccontextmanager
async def opened_letter_box(engines: Engines, places: Sequence[Place]) -> AsyncIterator[LetterBox]:
    """The letter box of a running system, on buses of the groups in question that consume nothing."""
    async with AsyncExitStack() as stack:
        buses = {}
        for group in dict.fromkeys(place.group for place in places):
            bus = buses[group] = engines.platform_of(group).bus
            await bus.start()
            stack.push_async_callback(bus.stop)
        yield LetterBox(buses, Replayed(engines.redis))
