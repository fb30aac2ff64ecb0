import pytest

from service_kit.bus import Subscription
from service_kit.bus.declarations import Declarations
from service_kit.bus.kafka.topology import (
    FoundPartition,
    WantedTopic,
    owned_topics,
    replicas_wanted,
    shortcomings,
    used_topics,
)
from service_kit.testing.bus_harness import Recorder, new_topic

WHOLE = FoundPartition(leader=0, replicas=3, in_sync=3)


def test_the_owner_provides_topics_and_dead_letters():
    """A topic's owner makes it, with one dead-letter topic for each declared group; others make nothing."""
    topic = new_topic(retention_days=30)
    declared = Declarations([topic])

    owned = owned_topics(declared, "tickets")

    assert [(one.name, one.partitions) for one in owned] == [(topic.name, 12), (f"{topic.name}-router-dlq", 1)]
    assert owned[0].settings["retention.ms"] == str(30 * 86_400_000)
    assert owned_topics(declared, "router") == []


def test_a_compacted_topic_keeps_its_newest_records():
    """A compacted topic has no retention that could remove the newest record of a key."""
    [topic, _] = owned_topics(Declarations([new_topic(compacted=True)]), "tickets")

    assert topic.settings["cleanup.policy"] == "compact"
    assert topic.settings["max.compaction.lag.ms"] == str(86_400_000)
    assert "retention.ms" not in topic.settings


def test_a_service_needs_what_it_writes_and_reads():
    """A reader needs the topic and its own dead letters; a topic it has nothing to do with may be missing."""
    read, foreign = new_topic(), new_topic()
    declared = Declarations([read, foreign])
    declared.add(Subscription(read, "router", Recorder()))

    assert [one.name for one in used_topics(declared, "router")] == [read.name, f"{read.name}-router-dlq"]


def test_shortcomings_are_named():
    """What is missing, has too few partitions or too few copies is named; more is welcome."""
    wanted = [WantedTopic(name, 2, {}) for name in ("gone", "narrow", "thin", "fine")]
    thin = FoundPartition(leader=0, replicas=1, in_sync=1)
    found = {"narrow": [WHOLE], "thin": [WHOLE, thin], "fine": [WHOLE, WHOLE, WHOLE]}

    assert shortcomings(wanted, found, 3) == [
        "gone is missing",
        "narrow has 1 of 2 partitions",
        "thin has 1 of 3 replicas",
    ]


@pytest.mark.parametrize(
    ("partition", "takes_records"),
    [
        (WHOLE, True),
        (FoundPartition(leader=2, replicas=3, in_sync=2), True),
        (FoundPartition(leader=2, replicas=3, in_sync=1), False),
        (FoundPartition(leader=-1, replicas=3, in_sync=3), False),
        (FoundPartition(leader=0, replicas=1, in_sync=1), True),
    ],
)
def test_when_a_partition_takes_records(partition: FoundPartition, takes_records: bool):  # noqa: FBT001 - a parameter
    """A write needs a leader, and two of three copies."""

    assert partition.takes_records is takes_records


def test_replicas():
    """The URL decides; else three copies, or as many as there are brokers."""

    assert [replicas_wanted(None, brokers) for brokers in (1, 2, 3, 5)] == [1, 2, 3, 3]
    assert replicas_wanted(2, 5) == 2
