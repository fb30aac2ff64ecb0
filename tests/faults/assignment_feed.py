"""Listens to what is told of assignment while it happens, beside the services and in no group of theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import ASSIGNMENT_DECISIONS, PRESENCE_EVENTS, TICKET_EVENTS, TOPICS
from faults.assignment_story import AssignmentStory
from service_kit.bus.codec import EventCodec, Malformed, UnknownType
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.records import records_of

_TOPICS = {topic.name: topic for topic in (TICKET_EVENTS, ASSIGNMENT_DECISIONS, PRESENCE_EVENTS)}
_POLL_MS = 100


class AssignmentFeed:
    """A story that grows by itself, from the beginning of the topics."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.story = AssignmentStory()
        self._consumer = consumer
        self._codec = EventCodec(TOPICS, source="faults")
        self._heard: dict[TopicPartition, int] = {}

    async def listen(self) -> None:
        """Take whatever comes, for ever."""
        while True:
            for place, records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).items():
                for record in records_of(records):
                    event = self._codec.decode(_TOPICS[place.topic], record)
                    assert not isinstance(event, Malformed | UnknownType), f"{place.topic} holds {event}"
                    self.story.take(event)
                self._heard[place] = records[-1].offset + 1

    async def has_heard_all(self) -> bool:
        """Whether the story has everything that is on the topics now."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        return all(self._heard.get(place, 0) >= end for place, end in ends.items())


@asynccontextmanager
async def following(kafka_url: str) -> AsyncIterator[AssignmentFeed]:
    """A feed that listens as long as the context lasts."""
    options = KafkaAddress.parse(kafka_url).client_options()
    consumer = AIOKafkaConsumer(*_TOPICS, **options, enable_auto_commit=False, auto_offset_reset="earliest")
    feed = AssignmentFeed(consumer)
    await consumer.start()
    try:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(feed.listen())
            yield feed
            listening.cancel()
    finally:
        await consumer.stop()
