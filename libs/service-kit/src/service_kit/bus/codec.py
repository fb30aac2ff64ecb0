"""Events to records and back. Pure: knows the shapes of the topics it was given and nothing of engines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError
from pydantic_core import from_json

from contracts.envelope import Event
from contracts.topic import Topic
from service_kit.bus.record import Addressed, Record
from service_kit.bus.tracing import with_trace
from service_kit.errors import PermanentError

MAX_RECORD_BYTES = 1024 * 1024

MalformedReason = Literal["not_json", "no_type", "invalid"]
"""Why a record cannot be read. Public contract: it becomes the dead letter's `dlq_reason`."""


class RecordTooLarge(PermanentError):
    """The event would make a record over the limit; bodies of that size belong to the blobs."""

    code = "record_too_large"


class ForeignEvent(PermanentError):
    """The event belongs to none of the topics this bus was given."""

    code = "foreign_event"


@dataclass(frozen=True, slots=True)
class UnknownType:
    """A type this release does not know on that topic: a newer producer's, to be ignored."""

    type: str


@dataclass(frozen=True, slots=True)
class Unwanted:
    """An event of a type that this reader does not handle; nobody has looked at its body."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not an event at all. `error` is the failure's type name, never its text: that could quote the body."""

    reason: MalformedReason
    error: str


Decoded = Event | UnknownType | Unwanted | Malformed

_UNWANTED = Unwanted()


class EventCodec:
    """Encodes events of its topics, and decodes their records."""

    def __init__(self, topics: Sequence[Topic], *, source: str) -> None:
        self._source = source
        self._topic_of: dict[type[Event], Topic] = {}
        self._models: dict[str, dict[str, type[Event]]] = {}
        for topic in topics:
            self._register(topic)

    def topic_of(self, event: Event) -> Topic:
        """The one topic that holds this event.

        Raises:
            ForeignEvent: none of ours does.
        """
        try:
            return self._topic_of[type(event)]
        except KeyError:
            raise ForeignEvent(f"no topic of this bus holds {type(event).__name__}") from None

    def encode(self, event: Event) -> Record:
        """The record of an event, under the event's own key.

        Raises:
            RecordTooLarge: it is over `MAX_RECORD_BYTES`.
        """
        record = Record(key=event.key, value=event.payload(), headers=event.headers(self._source))
        if record.size > MAX_RECORD_BYTES:
            raise RecordTooLarge(f"event {event.id} makes {record.size} bytes, over {MAX_RECORD_BYTES}")
        return record

    def addressed(self, events: Sequence[Event]) -> list[Addressed]:
        """Their records, each for its own topic and with the present trace context.

        Raises:
            ForeignEvent: one belongs to no topic of ours.
            RecordTooLarge: one is over `MAX_RECORD_BYTES`.
        """
        return [Addressed(self.topic_of(event).name, with_trace(self.encode(event))) for event in events]

    def decode(self, topic: Topic, record: Record, *, only: tuple[type[Event], ...] = ()) -> Decoded:
        """What a record of `topic` says, if it is of a type in `only`.

        The body tells its type where a sink has dropped the header.
        """
        name = record.headers.get("ce_type") or _type_in(record.value)
        if isinstance(name, Malformed):
            return name
        model = self._models[topic.name].get(name)
        if model is None:
            return UnknownType(name)
        if only and not issubclass(model, only):
            return _UNWANTED
        try:
            return model.model_validate_json(record.value)
        except ValidationError as error:
            return Malformed("invalid", type(error).__name__)

    def _register(self, topic: Topic) -> None:
        if topic.name in self._models:
            raise ValueError(f"topic {topic.name} is given twice")
        models = self._models[topic.name] = {}
        for model in topic.events:
            if model in self._topic_of:
                raise ValueError(f"{model.__name__} is on {topic.name} and on {self._topic_of[model].name}")
            self._topic_of[model] = topic
            models[_type_of(model)] = model


def _type_of(model: type[Event]) -> str:
    name = model.model_fields["type"].default
    if not isinstance(name, str):
        raise TypeError(f"{model.__name__} must fix its type: `type: Literal[…] = …`")
    return name


def _type_in(value: bytes) -> str | Malformed:
    try:
        body = from_json(value)
    except ValueError as error:
        return Malformed("not_json", type(error).__name__)
    name = body.get("type") if isinstance(body, dict) else None
    return name if isinstance(name, str) else Malformed("no_type", "KeyError")
