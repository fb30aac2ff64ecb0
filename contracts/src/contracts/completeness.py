"""What every topic must say about itself, and every event type have beside it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from contracts.envelope import Event
from contracts.topic import Topic

_TOPIC_NAME = re.compile(r"^[a-z]+(-[a-z]+)*-v[1-9][0-9]*$")
_SHORTEST_RETENTION_DAYS = 7


def type_name(event: type[Event]) -> str:
    """The public type string of an event class, such as `support.ticket.created.v1`."""
    return str(event.model_fields["type"].default)


def incomplete_topics(topics: Sequence[Topic]) -> list[str]:
    """What the topics fail to say, one sentence each."""
    return [*_each_topic(topics), *_each_type(topics)]


def missing_examples(topics: Iterable[Topic], examples: Mapping[str, Sequence[object]]) -> list[str]:
    """Event types without a stored example, and examples of no known type."""
    types = {type_name(event) for topic in topics for event in topic.events}
    return [f"{name} has no example" for name in sorted(types - examples.keys())] + [
        f"examples of {name} belong to no event type" for name in sorted(examples.keys() - types)
    ]


def _each_topic(topics: Sequence[Topic]) -> Iterator[str]:
    names = [topic.name for topic in topics]
    for topic in topics:
        if names.count(topic.name) > 1:
            yield f"{topic.name} is declared twice"
        if not _TOPIC_NAME.match(topic.name):
            yield f"{topic.name} is not kebab-case with a major version"
        for part in ("summary", "owner", "producers", "consumers", "key", "events"):
            if not getattr(topic, part):
                yield f"{topic.name} has no {part}"
        if topic.retention_days < _SHORTEST_RETENTION_DAYS:
            yield f"{topic.name} keeps records for less than {_SHORTEST_RETENTION_DAYS} days"
        if topic.partitions < 1:
            yield f"{topic.name} has no partitions"


def _each_type(topics: Sequence[Topic]) -> Iterator[str]:
    home: dict[str, str] = {}
    for topic in topics:
        for event in topic.events:
            name = type_name(event)
            if name in home:
                yield f"{name} lives on both {home[name]} and {topic.name}"
            home[name] = topic.name
            if not hasattr(event, "key_field"):
                yield f"{name} has no partition key"
            if not (event.__doc__ or "").strip():
                yield f"{name} is not described"
