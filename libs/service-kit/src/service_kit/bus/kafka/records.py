"""Our records as Kafka's and back, and where they lie. Pure."""

from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord, TopicPartition

from service_kit.bus.record import Record

Headers = list[tuple[str, bytes]]


def key_of(record: Record) -> bytes:
    """The bytes that choose the partition."""
    return record.key.encode("utf-8", "surrogateescape")


def headers_of(record: Record) -> Headers:
    """The headers as bytes, those of a foreign producer unchanged."""
    return [(name, text.encode("utf-8", "surrogateescape")) for name, text in record.headers.items()]


def records_of(raw: Iterable[ConsumerRecord[bytes | None, bytes | None]]) -> list[Record]:
    """The records, in their order; what a foreign producer left out is empty, for the codec to judge."""
    return [
        Record(
            key=(one.key or b"").decode("utf-8", "surrogateescape"),
            value=one.value or b"",
            headers={name: (value or b"").decode("utf-8", "surrogateescape") for name, value in one.headers},
            position=f"{one.partition}-{one.offset}",
        )
        for one in raw
    ]


def place_of(record: Record) -> tuple[int, int]:
    """Partition and offset of a record that was read."""
    partition, _, offset = record.position.partition("-")
    return int(partition), int(offset)


def offsets_after(topic: str, records: Sequence[Record]) -> dict[TopicPartition, int]:
    """Where each partition goes on after these records."""
    after: dict[TopicPartition, int] = {}
    for record in records:
        partition, offset = place_of(record)
        place = TopicPartition(topic, partition)
        after[place] = max(after.get(place, 0), offset + 1)
    return after
