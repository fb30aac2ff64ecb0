"""Dead letters on Kafka: one topic of one partition per topic and group, and how far it has been replayed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topic import Topic
from service_kit.bus.dead_letter import Verdict, condemn, revive
from service_kit.bus.kafka.connection import unavailable
from service_kit.bus.kafka.records import place_of, records_of
from service_kit.bus.kafka.writer import TopicWriter
from service_kit.bus.port import DeadLetter, Subscription
from service_kit.bus.record import Addressed, Record

_MOST = 1000
_READ_SECONDS = 15.0
_POLL_MS = 500


class DeadLetterTopics:
    """Sets records aside, lists them, and puts them back.

    Nothing can be removed from the middle of a topic. So the group `<group>-replay` remembers, per dead-letter topic,
    what was put back, and only what comes after it counts; the retention removes the rest.
    """

    def __init__(self, writer: TopicWriter, options: dict[str, Any]) -> None:
        self._writer = writer
        self._options = options

    async def add(self, subscription: Subscription, record: Record, verdict: Verdict) -> None:
        """Set one record aside; returns when it is stored."""
        topic, group = subscription.topic, subscription.group
        letter = condemn(record, verdict, topic=topic.name, group=group)
        await self._writer.write([Addressed(topic.dead_letter_topic(group), letter)])

    async def put_back(self, topic: Topic, letters: Sequence[DeadLetter]) -> None:
        """Write these to their topic again; returns when they are stored."""
        records = [Record(letter.key, letter.value, letter.headers) for letter in letters]
        await self._writer.write([Addressed(topic.name, revive(record)) for record in records])

    async def oldest(self, topic: Topic, group: str, limit: int, after: str | None = None) -> Sequence[DeadLetter]:
        """The oldest dead letters that were not put back by `replay`, at most a thousand; those behind `after`."""
        place = TopicPartition(topic.dead_letter_topic(group), 0)
        async with self._consumer(group, place) as consumer:
            if after is not None:
                consumer.seek(place, max(_offset_of(after) + 1, await consumer.position(place)))
            letters = await _read(consumer, place, limit)
        return [DeadLetter(one.position, one.key, one.value, dict(one.headers)) for one in letters]

    async def replay(self, topic: Topic, group: str, limit: int) -> int:
        """Put the oldest back on their topic, at most a thousand, in order; how many.

        They are stored before the group moves on: a crash between the two puts them back once more.
        """
        place = TopicPartition(topic.dead_letter_topic(group), 0)
        async with self._consumer(group, place) as consumer:
            letters = await _read(consumer, place, limit)
            if letters:
                await self._writer.write([Addressed(topic.name, revive(letter)) for letter in letters])
                await consumer.commit({place: place_of(letters[-1])[1] + 1})
        return len(letters)

    @asynccontextmanager
    async def _consumer(self, group: str, place: TopicPartition) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self._options, group_id=f"{group}-replay", enable_auto_commit=False, auto_offset_reset="earliest"
        )
        consumer.assign([place])
        try:
            with unavailable("reading dead letters"):
                async with asyncio.timeout(_READ_SECONDS):
                    await consumer.start()
                    yield consumer
        finally:
            await consumer.stop()


def _offset_of(letter_id: str) -> int:
    return place_of(Record("", b"", position=letter_id))[1]


async def _read(consumer: AIOKafkaConsumer, place: TopicPartition, limit: int) -> list[Record]:
    if limit < 1:
        raise ValueError("limit must be at least 1")
    wanted = min(limit, _MOST)
    end = (await consumer.end_offsets([place]))[place]
    letters: list[Record] = []
    while len(letters) < wanted and await consumer.position(place) < end:
        batch = await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=wanted - len(letters))
        letters += records_of(batch.get(place, ()))
    return letters
