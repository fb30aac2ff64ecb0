"""The topics of a running system on Kafka, read beside its services and without consuming anything."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TICKET_EVENTS, TOPICS
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.group import group_id

_DEAD_LETTERS = "-dlq"
_POLL_MS = 500


class KafkaView:
    """What the topics hold, and how far their readers are."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._admin = admin

    async def waiting(self) -> Mapping[str, int]:
        """How many records each reader has not committed yet; those that have committed all are left out.

        A group that never committed anything of a topic is not a reader: topics name the groups they may have.
        """
        found: dict[str, int] = {}
        for topic in TOPICS:
            ends = await self._ends(topic.name)
            for group in topic.consumers:
                committed = await self._admin.list_consumer_group_offsets(group_id(group, topic.name))
                if not ends.keys() & committed.keys():
                    continue
                left = sum(end - max(0, _offset(committed, place)) for place, end in ends.items())
                if left:
                    found[f"{topic.name} → {group}"] = left
        return found

    async def dead_letters(self) -> Mapping[str, int]:
        """How many records were set aside, by topic."""
        names = [name for name in await self._consumer.topics() if name.endswith(_DEAD_LETTERS)]
        lengths = {name: sum((await self._ends(name)).values()) for name in names}
        return {name: length for name, length in lengths.items() if length}

    async def ticket_events(self) -> list[tuple[str, int]]:
        """Ticket and number of every record of `ticket-events-v1`, partition by partition."""
        ends = await self._ends(TICKET_EVENTS.name)
        self._consumer.assign(list(ends))
        await self._consumer.seek_to_beginning(*ends)
        found: list[tuple[str, int]] = []
        while await self._is_behind(ends):
            for records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).values():
                bodies = [json.loads(record.value) for record in records]
                found += [(body["ticket_id"], body["seq"]) for body in bodies]
        return found

    async def _is_behind(self, ends: Mapping[TopicPartition, int]) -> bool:
        return any([await self._consumer.position(place) < end for place, end in ends.items()])

    async def _ends(self, topic: str) -> Mapping[TopicPartition, int]:
        places: Iterable[TopicPartition] = [TopicPartition(topic, number) for number in await self._partitions(topic)]
        ends: Mapping[TopicPartition, int] = await self._consumer.end_offsets(list(places))
        return ends

    async def _partitions(self, topic: str) -> Iterable[int]:
        (described,) = await self._admin.describe_topics([topic])
        return sorted(partition["partition"] for partition in described["partitions"])


@asynccontextmanager
async def kafka_view(url: str) -> AsyncIterator[KafkaView]:
    """The topics of the cluster at this URL."""
    options = KafkaAddress.parse(url).client_options()
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(**options)
    await consumer.start()
    try:
        await admin.start()
        try:
            yield KafkaView(consumer, admin)
        finally:
            await admin.close()
    finally:
        await consumer.stop()


def _offset(committed: Mapping[TopicPartition, object], place: TopicPartition) -> int:
    offset = getattr(committed.get(place), "offset", 0)
    assert isinstance(offset, int)
    return offset
