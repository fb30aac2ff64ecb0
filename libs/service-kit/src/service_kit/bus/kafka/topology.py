"""Which topics a service needs on a cluster, and what is wrong with those that are there. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.topic import Topic
from service_kit.bus.codec import MAX_RECORD_BYTES
from service_kit.bus.dead_letter import DEAD_LETTER_RETENTION
from service_kit.bus.declarations import Declarations
from service_kit.errors import Refused

_DAY_MS = 24 * 3600 * 1000
_USUAL_REPLICAS = 3
_REPLICAS_FOR_TWO_IN_SYNC = 3
_TOPIC_BYTES = 2 * MAX_RECORD_BYTES
_DEAD_LETTER_BYTES = 3 * MAX_RECORD_BYTES
"""A dead letter is its record and the reasons; foreign producers are given more room than our own."""

MAX_REQUEST_BYTES = _DEAD_LETTER_BYTES


class TopicsUnfit(Refused):
    """The cluster answers, but its topics are missing or not as declared."""


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """A topic as it has to be."""

    name: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FoundPartition:
    """A partition as it is now; `leader` is -1 while there is none."""

    leader: int
    replicas: int
    in_sync: int

    @property
    def takes_records(self) -> bool:
        """Whether a write that every in-sync replica must have would be confirmed."""
        return self.leader >= 0 and self.in_sync >= in_sync_needed(self.replicas)


FoundTopics = Mapping[str, Sequence[FoundPartition]]


def in_sync_needed(replicas: int) -> int:
    """Two of three, so that one may fail; a single copy has nothing to be in sync with."""
    return 2 if replicas >= _REPLICAS_FOR_TWO_IN_SYNC else 1


def replicas_wanted(declared: int | None, brokers: int) -> int:
    """What the URL says, else three as far as there are brokers."""
    return declared if declared is not None else min(_USUAL_REPLICAS, brokers)


def owned_topics(declared: Declarations, source: str) -> list[WantedTopic]:
    """What a service provides: its own topics, and for each of their groups the dead letters."""
    owned = [topic for topic in declared.topics.values() if topic.owner == source]
    letters = [_dead_letters(topic, group) for topic in owned for group in declared.groups(topic)]
    return [*map(_topic, owned), *letters]


def used_topics(declared: Declarations, source: str) -> list[WantedTopic]:
    """What a service cannot do without: topics that it writes or reads, and the dead letters of what it reads."""
    read = {one.topic.name for one in declared.subscriptions}
    used = [
        topic for topic in declared.topics.values() if source in {topic.owner, *topic.producers} or topic.name in read
    ]
    return [*map(_topic, used), *(_dead_letters(one.topic, one.group) for one in declared.subscriptions)]


def shortcomings(wanted: Iterable[WantedTopic], found: FoundTopics, replicas: int) -> list[str]:
    """What is wrong, one clause for each topic."""
    clauses = []
    for topic in wanted:
        partitions = found.get(topic.name)
        if partitions is None:
            clauses.append(f"{topic.name} is missing")
        elif len(partitions) < topic.partitions:
            clauses.append(f"{topic.name} has {len(partitions)} of {topic.partitions} partitions")
        elif (fewest := min(partition.replicas for partition in partitions)) < replicas:
            clauses.append(f"{topic.name} has {fewest} of {replicas} replicas")
    return clauses


def _topic(topic: Topic) -> WantedTopic:
    settings = {"max.message.bytes": str(_TOPIC_BYTES)}
    if topic.compacted:
        settings["cleanup.policy"] = "compact"
        settings["max.compaction.lag.ms"] = str(_DAY_MS)  # so that who was erased goes from a quiet topic too
    else:
        settings["retention.ms"] = str(topic.retention_days * _DAY_MS)
    return WantedTopic(topic.name, topic.partitions, settings)


def _dead_letters(topic: Topic, group: str) -> WantedTopic:
    """One partition: dead letters are few, and they are replayed in the order in which they fell."""
    settings = {
        "max.message.bytes": str(_DEAD_LETTER_BYTES),
        "retention.ms": str(DEAD_LETTER_RETENTION.days * _DAY_MS),
    }
    return WantedTopic(topic.dead_letter_topic(group), 1, settings)
